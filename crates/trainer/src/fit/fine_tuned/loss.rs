//! The loss of fine-tuning.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::teachers::Teaching;

/// The terms of the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSettings {
    /// Share of each target that is spread evenly over the classes (Szegedy et al., 2016).
    pub label_smoothing: f64,
    /// Weight of the binary loss, normal against abnormal.
    pub binary_share: f64,
}

impl Default for LossSettings {
    fn default() -> Self {
        Self {
            label_smoothing: 0.05,
            binary_share: 0.5,
        }
    }
}

/// Keeps a logarithm finite where a probability is rounded to 0.
const TINY: f32 = 1e-12;

/// The cost of each cell under each head.
pub(super) struct Objective {
    settings: LossSettings,
    /// Share of the targets that the teachers give.
    taught_share: f32,
    /// How many times as often as by nature each class is shown.
    shown: Vec<f32>,
    abnormal: Vec<bool>,
    /// Added to the logits while training, `[1, 1, C]`.
    corrections: Tensor<3>,
    /// 1 for abnormal classes, `[1, 1, C]`; `None` if the binary loss would add nothing.
    abnormal_mask: Option<Tensor<3>>,
    device: Device,
}

impl Objective {
    /// `abnormal` flags each class; `corrections` are those of the sampler.
    pub(super) fn new(
        settings: &LossSettings,
        teaching: Option<&Teaching>,
        abnormal: &[bool],
        corrections: &[f32],
        device: &Device,
    ) -> Self {
        let classes = abnormal.len();
        let tensor =
            |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [1, 1, classes]), device);
        let flags: Vec<f32> = abnormal
            .iter()
            .map(|flag| f32::from(u8::from(*flag)))
            .collect();
        let both_occur = abnormal.contains(&true) && abnormal.contains(&false);
        Self {
            settings: settings.clone(),
            taught_share: teaching.map_or(0.0, |of| of.share as f32),
            shown: corrections.iter().map(|of| of.exp()).collect(),
            abnormal: abnormal.to_vec(),
            corrections: tensor(corrections.to_vec()),
            abnormal_mask: (classes > 2 && both_occur).then(|| tensor(flags)),
            device: device.clone(),
        }
    }

    /// The logits in the loss: `[K, N, C]`, corrected for how often each class is shown.
    pub(super) fn corrected(&self, logits: Tensor<3>) -> Tensor<3> {
        logits + self.corrections.clone()
    }

    /// Log-probabilities `[H, N, C]` and the class of each cell → costs `[H, N, 1]`: cross entropy
    /// of the classes, and a share of the binary cross entropy of the summed abnormal
    /// probabilities. `taught`, `[N, C]`, holds the teachers' probabilities; empty without
    /// teachers.
    pub(super) fn costs(
        &self,
        log_probabilities: Tensor<3>,
        classes: &[usize],
        taught: &[f32],
    ) -> Tensor<3> {
        let taught = self.as_shown(taught);
        let targets = self.targets(classes.iter().copied(), self.abnormal.len(), &taught);
        let of_classes = -(log_probabilities.clone() * targets).sum_dim(2);
        let Some(mask) = &self.abnormal_mask else {
            return of_classes;
        };
        let probabilities = log_probabilities.exp();
        let abnormal = (probabilities.clone() * mask.clone()).sum_dim(2);
        let normal = (probabilities * (mask.clone().neg() + 1.0)).sum_dim(2);
        let both = Tensor::cat(vec![normal, abnormal], 2).clamp_min(TINY).log();
        let flags = classes
            .iter()
            .map(|class| usize::from(self.abnormal.get(*class).copied().unwrap_or(false)));
        let taught = self.normal_and_abnormal(&taught);
        let of_question = -(both * self.targets(flags, 2, &taught)).sum_dim(2);
        of_classes + of_question * self.settings.binary_share as f32
    }

    /// The teachers' probabilities, converted from natural class frequencies to those of the
    /// sampler.
    fn as_shown(&self, taught: &[f32]) -> Vec<f32> {
        let mut shown = Vec::with_capacity(taught.len());
        for row in taught.chunks(self.shown.len().max(1)) {
            let weighted = row.iter().zip(&self.shown).map(|(of, times)| of * times);
            let sum: f32 = weighted.clone().sum();
            shown.extend(weighted.map(|of| of / sum.max(TINY)));
        }
        shown
    }

    /// `[N, C]` → `[N, 2]`
    fn normal_and_abnormal(&self, taught: &[f32]) -> Vec<f32> {
        let mut sums = Vec::new();
        for row in taught.chunks(self.abnormal.len().max(1)) {
            let of = |wanted: bool| -> f32 {
                let pairs = row.iter().zip(&self.abnormal);
                pairs
                    .filter(|(_, flag)| **flag == wanted)
                    .map(|(of, _)| of)
                    .sum()
            };
            sums.extend([of(false), of(true)]);
        }
        sums
    }

    /// Targets `[1, N, count]`: 1 − ε on the true one and ε spread over all, mixed with the
    /// teachers' probabilities.
    fn targets(
        &self,
        right: impl ExactSizeIterator<Item = usize>,
        count: usize,
        taught: &[f32],
    ) -> Tensor<3> {
        let smoothing = self.settings.label_smoothing as f32;
        let cells = right.len();
        let mut targets = vec![smoothing / count as f32; cells * count];
        for (row, right) in targets.chunks_mut(count).zip(right) {
            if let Some(target) = row.get_mut(right) {
                *target += 1.0 - smoothing;
            }
        }
        for (target, taught) in targets.iter_mut().zip(taught) {
            *target += self.taught_share * (taught - *target);
        }
        Tensor::from_data(TensorData::new(targets, [1, cells, count]), &self.device)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation::log_softmax;

    use super::*;

    fn costs(binary_share: f64, abnormal: &[bool], logits: &[f32], class: usize) -> f32 {
        let settings = LossSettings {
            binary_share,
            ..LossSettings::default()
        };
        let device = Device::flex();
        let corrections = vec![0.0; abnormal.len()];
        let objective = Objective::new(&settings, None, abnormal, &corrections, &device);
        let data = TensorData::new(logits.to_vec(), [1, 1, logits.len()]);
        let logits = objective.corrected(Tensor::from_data(data, &device));
        let costs = objective.costs(log_softmax(logits, 2), &[class], &[]);
        costs.into_scalar::<f32>()
    }

    /// The binary loss's part of the cost.
    fn of_question(abnormal: &[bool], logits: &[f32], class: usize) -> f32 {
        costs(1.0, abnormal, logits, class) - costs(0.0, abnormal, logits, class)
    }

    #[test]
    fn binary_loss_uses_summed_abnormal_probability() {
        let flags = [true, false, true];
        let added = of_question(&flags, &[2.0, 0.5, -1.0], 0);
        let exchanged = of_question(&flags, &[-1.0, 0.5, 2.0], 2);
        assert!((added - exchanged).abs() < 1e-6);
        assert!(of_question(&flags, &[2.0, 0.5, -1.0], 1) > added + 1.0);
        assert!(of_question(&flags, &[0.0, 0.0, 0.0], 0) > added);
    }

    #[test]
    fn redundant_binary_loss_is_left_out() {
        assert_eq!(of_question(&[false, true], &[1.0, -1.0], 0), 0.0);
        assert_eq!(of_question(&[true; 3], &[1.0, -1.0, 0.0], 0), 0.0);
    }
}
