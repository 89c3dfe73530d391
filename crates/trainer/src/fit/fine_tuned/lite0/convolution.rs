//! One convolution with its bias and, if the plan has it, ReLU6.

use burn::{
    backend::Dispatch,
    module::{Module, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};

use crate::fit::shared::bank::gradient;

use super::{ConvolutionPlan, graph::StoredConvolution, operation::ClippedConvolution};

/// A trained convolution.
#[derive(Module, Debug)]
pub(super) struct Convolution {
    /// In ONNX layout: `[outputs, inputs per group, kernel, kernel]`.
    weight: Param<Tensor<4>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
    #[module(skip)]
    plan: ConvolutionPlan,
}

impl Convolution {
    pub(super) fn new(plan: &ConvolutionPlan, stored: StoredConvolution, device: &Device) -> Self {
        let shape = plan.weight_shape();
        let weight = Tensor::from_data(TensorData::new(stored.weight, shape), device);
        let bias = Tensor::from_data(TensorData::new(stored.bias, [plan.outputs]), device);
        Self {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(bias),
            plan: plan.clone(),
        }
    }

    /// `[N, H, W, inputs]` → `[N, H / stride, W / stride, outputs]`.
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        Tensor::from_dispatch(Dispatch::clipped_convolution(
            input.into_dispatch(),
            self.weight.val().into_dispatch(),
            self.bias.val().into_dispatch(),
            self.plan.clone(),
        ))
    }

    pub(super) fn plan(&self) -> &ConvolutionPlan {
        &self.plan
    }

    /// The current values.
    pub(super) fn stored(&self) -> StoredConvolution {
        StoredConvolution {
            weight: values(&self.weight),
            bias: values(&self.bias),
        }
    }

    /// Gradients of kernel and bias.
    pub(super) fn gradients(&self, gradients: &GradientsParams) -> [Vec<f32>; 2] {
        [
            gradient(&self.weight, gradients),
            gradient(&self.bias, gradients),
        ]
    }

    /// The same parameters, by identity, with other values.
    ///
    /// The caller has checked the lengths.
    pub(super) fn with_values(mut self, stored: StoredConvolution) -> Self {
        let shape = self.plan.weight_shape();
        self.weight = replaced(self.weight, stored.weight, shape);
        self.bias = replaced(self.bias, stored.bias, [self.plan.outputs]);
        self
    }
}

fn values<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    let data = parameter.val().inner().into_data();
    data.iter::<f32>().collect()
}

fn replaced<const D: usize>(
    parameter: Param<Tensor<D>>,
    values: Vec<f32>,
    shape: [usize; D],
) -> Param<Tensor<D>> {
    parameter.map(|old| {
        let value = Tensor::from_data(TensorData::new(values, shape), &old.device());
        value.set_require_grad(old.is_require_grad())
    })
}
