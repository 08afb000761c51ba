//! What the application asks of a board: an LED on a pin, and the temperature of the chip's own sensor.

use esp_hal::{
    gpio::{Level, Output, OutputConfig, OutputPin},
    tsens::{Temperature, TemperatureSensor},
};

use device::Board;

pub(crate) struct Esp32C3 {
    led: Output<'static>,
    sensor: TemperatureSensor<'static>,
}

impl Esp32C3 {
    pub(crate) fn new(led: impl OutputPin + 'static, sensor: TemperatureSensor<'static>) -> Self {
        Self { led: Output::new(led, level(false), OutputConfig::default()), sensor }
    }
}

impl Board for Esp32C3 {
    async fn set_led(&mut self, on: bool) {
        self.led.set_level(level(on));
    }

    async fn temperature(&mut self) -> i32 {
        celsius(&self.sensor.get_temperature())
    }
}

/// The LED hangs between the supply and the pin: a low pin lights it.
fn level(on: bool) -> Level {
    if on { Level::Low } else { Level::High }
}

/// ESP32-C3 technical reference manual, "Temperature Sensor": 0.4386 degrees a step, 27.88 an offset, from -20.52 on. In
/// hundredths of a degree, and in integers: the chip has no floating-point unit.
fn celsius(read: &Temperature) -> i32 {
    (i32::from(read.raw_value) * 4386 - i32::from(read.offset) * 278_800 - 205_200) / 100
}
