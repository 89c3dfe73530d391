//! Scales between numbers and 8-bit integers.

/// The scale of activations: x becomes round(x / `step`) + `zero`, clipped to 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) step: f32,
    pub(super) zero: u8,
}

impl Scale {
    /// The scale that covers the finite numbers `low` to `high` and zero. Zero is represented
    /// exactly.
    pub(super) fn covering(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let mut step = (high - low) / 255.0;
        if step <= 0.0 {
            return Self { step: 1.0, zero: 0 };
        }
        // The range must not exceed `high`, or the runtime keeps a clipping to 6 that the scale
        // makes redundant.
        while low == 0.0 && step * 255.0 > high {
            step = step.next_down();
        }
        // At most 255, because `low` is at least −255 steps; the cast saturates.
        let zero = (-low / step).round_ties_even() as u8;
        Self { step, zero }
    }
}

/// An integer weight: channel c is `values` · `steps[c]`.
pub(super) struct Weight {
    pub(super) values: Vec<i8>,
    /// One step per output channel.
    pub(super) steps: Vec<f32>,
}

impl Weight {
    /// Rounds a weight with `channels` rows to −`most` to `most`. Each row is scaled by its largest
    /// absolute value.
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
            // Clamped to the range of i8 before the cast.
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
    fn scale_covers_zero_and_both_ends() {
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
    fn each_weight_row_has_its_own_step() {
        let weight = Weight::rounded(&[0.5, -1.0, 0.002, 0.001, 0.0, 0.0], 3, 64);
        assert_eq!(weight.values, [32, -64, 64, 32, 0, 0]);
        assert_eq!(weight.steps, [1.0 / 64.0, 0.002 / 64.0, 1.0]);
    }
}
