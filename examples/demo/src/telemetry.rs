//! Telemetry, made up: [`Telemetry`]. Sensors of a greenhouse whose values wander, as such values do.

use serde::Serialize;

/// What a sensor says at one time.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Reading {
    sensor: &'static str,
    celsius: f64,
    humidity: f64,
    lux: u32,
    volts: f64,
}

const SENSORS: [&str; 6] =
    ["bench north", "bench south", "propagator", "roof vent", "water tank", "potting shed"];

/// Where the values are: hundredths of a degree, tenths of a percent, lux, millivolts.
#[derive(Debug)]
pub(crate) struct Telemetry {
    values: [[i32; 4]; SENSORS.len()],
    state: u32,
}

impl Default for Telemetry {
    fn default() -> Self {
        let values = std::array::from_fn(|n| {
            let n = n as i32;
            [2150 + 37 * n, 612 - 23 * n, 1200 - 140 * n, 3020 - 11 * n]
        });
        Self { values, state: 0x9e37_79b9 }
    }
}

impl Telemetry {
    /// A moment later.
    pub(crate) fn next(&mut self) -> [Reading; SENSORS.len()] {
        std::array::from_fn(|n| {
            let steps = [4, 3, 9, 1].map(|most| self.step(most));
            let values = &mut self.values[n];
            for (value, step) in values.iter_mut().zip(steps) {
                *value = (*value + step).clamp(0, 4000);
            }
            let [celsius, humidity, lux, volts] = *values;
            Reading {
                sensor: SENSORS[n],
                celsius: f64::from(celsius) / 100.0,
                humidity: f64::from(humidity.min(1000)) / 10.0,
                lux: lux.unsigned_abs(),
                volts: f64::from(volts) / 1000.0,
            }
        })
    }

    /// From `-most` to `most`, by Marsaglia's xorshift: anything that looks random will do.
    fn step(&mut self, most: i32) -> i32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        (self.state % (2 * most.unsigned_abs() + 1)) as i32 - most
    }
}
