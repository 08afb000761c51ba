//! JSON to be compressed: telemetry by a generator with a seed, the same everywhere.

/// The readings of forty pumps in messages of 200 to 2,000 bytes, `total` bytes of them at least.
pub fn messages(total: usize) -> Vec<Vec<u8>> {
    const STATES: [&str; 6] = ["ok", "ok", "ok", "ok", "warn", "maintenance"];
    const NOTES: [&str; 4] = [
        "calibrated",
        "bearing noise above threshold",
        "restart requested by operator",
        "link re-established",
    ];
    let mut random = Random(7);
    // Temperature, pressure and vibration, each a walk.
    let mut pumps: Vec<[f64; 3]> = (0..40)
        .map(|_| [random.between(15., 80.), random.between(1., 9.), random.between(0., 20.)])
        .collect();
    let (mut time, mut messages, mut len) = (1_760_000_000_000u64, Vec::new(), 0);
    while len < total {
        time += 20 + random.below(381);
        let mut readings = String::new();
        for nth in 0..[1, 1, 2, 3, 4, 6, 8, 10][random.below(8) as usize] {
            let which = random.below(40) as usize;
            for value in &mut pumps[which] {
                *value += random.between(-0.5, 0.5);
            }
            let [temperature, pressure, vibration] = pumps[which];
            let state = STATES[random.below(6) as usize];
            let comma = if nth == 0 { "" } else { "," };
            readings += &format!(
                "{comma}{{\"device\":\"pump-{which:03}\",\"temperature\":{temperature:.2},\"pressure\":{pressure:.3},\
                 \"vibration\":{vibration:.3},\"status\":\"{state}\",\"rssi\":-{}",
                30 + random.below(61)
            );
            if random.below(100) < 15 {
                let note = NOTES[random.below(4) as usize];
                readings += &format!(",\"note\":\"{note} #{}\"", 1 + random.below(9999));
            }
            readings += "}";
        }
        let message = format!(
            "{{\"type\":\"telemetry\",\"ts\":{time},\"seq\":{},\"site\":\"north-{}\",\"session\":\"{:08x}\",\
             \"readings\":[{readings}]}}",
            messages.len(),
            1 + random.below(4),
            random.next() as u32
        );
        if (200..=2000).contains(&message.len()) {
            len += message.len();
            messages.push(message.into_bytes());
        }
    }
    messages
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
