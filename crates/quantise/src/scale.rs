//! Which 8-bit integer stands for which number.

/// For activations: the number x is round(x / `step`) + `zero`, clipped to 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) step: f32,
    pub(super) zero: u8,
}

impl Scale {
    /// The scale that covers `low` to `high`, finite numbers, and zero, which stays exactly zero.
    pub(super) fn covering(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let mut step = (high - low) / 255.0;
        if step <= 0.0 {
            return Self { step: 1.0, zero: 0 };
        }
        // Rounding up would lead past `high`, and the runtime then keeps the clipping that a scale to 6 makes needless.
        while low == 0.0 && step * 255.0 > high {
            step = step.next_down();
        }
        // At most 255, since `low` is at least −255 steps; a cast saturates.
        let zero = (-low / step).round_ties_even() as u8;
        Self { step, zero }
    }
}

/// A weight in integers: channel c of it is `values` · `steps[c]`.
pub(super) struct Weight {
    pub(super) values: Vec<i8>,
    /// One for each channel of the output.
    pub(super) steps: Vec<f32>,
}

impl Weight {
    /// Rounds a weight of `channels` rows to −`most` to `most`, each row by its own largest number.
    pub(super) fn rounded(values: &[f32], channels: usize, most: i8) -> Self {
        let most = f32::from(most);
        let row_length = values.len() / channels.max(1);
        let mut weight = Self {
            values: Vec::with_capacity(values.len()),
            steps: Vec::with_capacity(channels),
        };
        for row in values.chunks_exact(row_length.max(1)) {
            let largest = row
                .iter()
                .fold(0.0, |largest: f32, value| largest.max(value.abs()));
            let step = if largest > 0.0 { largest / most } else { 1.0 };
            // Clamped to what an i8 holds before the cast.
            let integer = |value: &f32| (value / step).round_ties_even().clamp(-most, most) as i8;
            weight.values.extend(row.iter().map(integer));
            weight.steps.push(step);
        }
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::{Scale, Weight};

    #[test]
    fn zero_is_a_step_of_every_scale_and_the_ends_are_covered() {
        for (low, high) in [
            (0.0, 6.0),
            (-3.0, 5.0),
            (2.0, 9.0),
            (-7.0, -1.0),
            (0.0, 0.1),
        ] {
            let scale = Scale::covering(low, high);
            let number = |integer: u8| (f32::from(integer) - f32::from(scale.zero)) * scale.step;
            assert_eq!(number(scale.zero), 0.0);
            assert!((number(0) - low.min(0.0)).abs() <= scale.step / 2.0);
            assert!((number(255) - high.max(0.0)).abs() <= scale.step / 2.0);
        }
        let clipped = Scale::covering(0.0, 6.0);
        assert!(clipped.step * 255.0 <= 6.0);
        assert_eq!(Scale::covering(0.0, 0.0), Scale { step: 1.0, zero: 0 });
    }

    #[test]
    fn each_row_of_a_weight_has_a_step_of_its_own() {
        let weight = Weight::rounded(&[0.5, -1.0, 0.002, 0.001, 0.0, 0.0], 3, 64);
        assert_eq!(weight.values, [32, -64, 64, 32, 0, 0]);
        assert_eq!(weight.steps, [1.0 / 64.0, 0.002 / 64.0, 1.0]);
    }
}
