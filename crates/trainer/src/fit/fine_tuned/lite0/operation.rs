//! A convolution with bias and ReLU6 as one differentiable operation of burn.
//!
//! burn's own convolution is general: it does not use that Lite0 has only two kinds of convolution,
//! and it keeps all intermediate results for the gradient. Here a 1 × 1 convolution is one matrix
//! product on maps with adjacent channels, the depthwise convolution has its own loops, and bias
//! and clipping pass over the result once. A training step takes a small part of the time of burn's
//! convolutions.

use burn::backend::{
    Autodiff, Backend, Flex, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    backend_extension,
    flex::FlexTensor,
    ops::FloatTensorOps,
    tensor::FloatTensor,
};
use burn::tensor::{Shape, TensorData};

use super::{
    ConvolutionPlan,
    depthwise::{self, Geometry},
};

/// The operation that is added to burn's backends.
#[backend_extension(Flex, Autodiff)]
pub(super) trait ClippedConvolution: Backend {
    /// `[N, H, W, inputs]` → `[N, H', W', outputs]`; weights in ONNX layout. The stem computes no
    /// gradient of its input, which is the image.
    fn clipped_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: ConvolutionPlan,
    ) -> FloatTensor<Self>;
}

impl ClippedConvolution for Flex {
    fn clipped_convolution(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        plan: ConvolutionPlan,
    ) -> FlexTensor {
        let (input, shape) = prepare(&input, &plan);
        let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
        forward(&input, &weight, &bias, &plan, shape)
    }
}

impl<C: CheckpointStrategy> ClippedConvolution for Autodiff<Flex, C> {
    fn clipped_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: ConvolutionPlan,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let (input, shape) = prepare(&input, &plan);
        let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
        let output = forward(&input, &weight, &bias, &plan, shape);
        let nodes = [input_node, weight_node, bias_node];
        match WayBack.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(operation) => operation.finish(output),
            OpsKind::Tracked(operation) => {
                let kept = KeptTensors {
                    input,
                    weight,
                    output: plan.clipped.then(|| output.clone()),
                    plan,
                };
                operation.finish(kept, output)
            }
        }
    }
}

#[derive(Debug)]
struct WayBack;

/// The tensors kept for the gradients.
#[derive(Clone, Debug)]
struct KeptTensors {
    /// As returned by [`prepare`].
    input: FlexTensor,
    weight: FlexTensor,
    /// Only if clipped.
    output: Option<FlexTensor>,
    plan: ConvolutionPlan,
}

impl Backward<Flex, 3> for WayBack {
    type State = KeptTensors;

    fn backward(self, ops: Ops<KeptTensors, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let KeptTensors {
            input,
            weight,
            output,
            plan,
        } = ops.state;
        let slope = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (slope, bias_slope) = unclip(slope, output.as_ref(), plan.outputs);
        let of_input = input_node.is_some();
        let (weight_slope, input_slope) = if plan.depthwise {
            depthwise_slopes(&input, &weight, &slope, &plan, of_input)
        } else {
            pointwise_slopes(&input, &weight, slope, &plan, of_input)
        };
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, bias_slope);
        }
        if let Some(node) = weight_node {
            gradients.register::<Flex>(node.id, weight_slope);
        }
        if let Some((node, slope)) = input_node.zip(input_slope) {
            gradients.register::<Flex>(node.id, slope);
        }
    }
}

/// The input with contiguous rows (for the stem, the image's patches), and the shape of the output.
fn prepare(input: &FlexTensor, plan: &ConvolutionPlan) -> (FlexTensor, [usize; 4]) {
    let input = input.to_contiguous();
    let size = shape(&input);
    let [images, height, width, _] = size;
    let [rows, columns] = plan.output_size([height, width]);
    let output = [images, rows, columns, plan.outputs];
    if plan.depthwise || plan.kernel == 1 {
        return (input, output);
    }
    let row = plan.inputs * plan.kernel * plan.kernel;
    let patches = patches(values(&input), size, plan);
    (tensor(patches, vec![images, rows, columns, row]), output)
}

fn forward(
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    plan: &ConvolutionPlan,
    output: [usize; 4],
) -> FlexTensor {
    let mut sums = if plan.depthwise {
        let (input, weight, at) = (
            values(input),
            values(weight),
            Geometry::new(plan, shape(input)),
        );
        let sums = match plan.kernel {
            3 => depthwise::forward::<3>(&at, input, weight),
            _ => depthwise::forward::<5>(&at, input, weight),
        };
        tensor(sums, output.to_vec())
    } else {
        let matrix = matrix(weight, plan).transpose(0, 1);
        Flex::float_matmul(rows(input), matrix).reshape(Shape::from(output.to_vec()))
    };
    add_bias(sums.storage_mut(), values(bias), plan.clipped);
    sums
}

/// Not inlined, like [`flatten_clipped`]: see the module `depthwise`.
#[inline(never)]
fn add_bias(sums: &mut [f32], bias: &[f32], clipped: bool) {
    for pixel in sums.chunks_exact_mut(bias.len().max(1)) {
        for (value, bias) in pixel.iter_mut().zip(bias) {
            let sum = *value + bias;
            *value = if clipped { sum.clamp(0.0, 6.0) } else { sum };
        }
    }
}

/// The gradient before clipping, zero where ReLU6 is flat, and its sum over all pixels, which is
/// the bias's gradient.
fn unclip(
    mut slope: FlexTensor,
    output: Option<&FlexTensor>,
    channels: usize,
) -> (FlexTensor, FlexTensor) {
    if let Some(output) = output {
        flatten_clipped(slope.storage_mut(), values(output));
    }
    let mut sum = vec![0.0; channels];
    for pixel in values(&slope).chunks_exact(channels) {
        for (sum, slope) in sum.iter_mut().zip(pixel) {
            *sum += slope;
        }
    }
    (slope, tensor(sum, vec![channels]))
}

#[inline(never)]
fn flatten_clipped(slopes: &mut [f32], output: &[f32]) {
    for (slope, value) in slopes.iter_mut().zip(output) {
        let inside = *value > 0.0 && *value < 6.0;
        *slope = if inside { *slope } else { 0.0 };
    }
}

fn pointwise_slopes(
    input: &FlexTensor,
    weight: &FlexTensor,
    slope: FlexTensor,
    plan: &ConvolutionPlan,
    of_input: bool,
) -> (FlexTensor, Option<FlexTensor>) {
    let slope = rows(&slope);
    let of_weight = Flex::float_matmul(slope.clone().transpose(0, 1), rows(input));
    let of_weight = of_weight.reshape(weight.shape());
    let wanted = of_input && plan.kernel == 1;
    let of_input = wanted.then(|| {
        let slope = Flex::float_matmul(slope, matrix(weight, plan));
        slope.reshape(input.shape())
    });
    (of_weight, of_input)
}

fn depthwise_slopes(
    input: &FlexTensor,
    weight: &FlexTensor,
    slope: &FlexTensor,
    plan: &ConvolutionPlan,
    of_input: bool,
) -> (FlexTensor, Option<FlexTensor>) {
    let at = Geometry::new(plan, shape(input));
    let (of_weight, of_input) = match plan.kernel {
        3 => depthwise::backward::<3>(&at, values(input), values(weight), values(slope), of_input),
        _ => depthwise::backward::<5>(&at, values(input), values(weight), values(slope), of_input),
    };
    let of_input = of_input.map(|slope| tensor(slope, shape(input).to_vec()));
    (tensor(of_weight, plan.weight_shape().to_vec()), of_input)
}

/// One row per pixel.
fn rows(map: &FlexTensor) -> FlexTensor {
    let [images, height, width, channels] = shape(map);
    map.reshape(Shape::from(vec![images * height * width, channels]))
}

/// The kernels as `[outputs, inputs · kernel²]`.
fn matrix(weight: &FlexTensor, plan: &ConvolutionPlan) -> FlexTensor {
    let [outputs, inputs, height, width] = plan.weight_shape();
    weight.reshape(Shape::from(vec![outputs, inputs * height * width]))
}

fn shape(map: &FlexTensor) -> [usize; 4] {
    map.layout().shape().dims()
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The values of a contiguous f32 tensor; every tensor is made contiguous on input.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// The windows of the stem's kernel, so that the stem is a matrix product as well:
/// `[N, H, W, inputs]` → one row per output pixel, `[N · H' · W', inputs · K · K]` in the order of
/// an ONNX kernel.
fn patches(
    input: &[f32],
    [images, height, width, channels]: [usize; 4],
    plan: &ConvolutionPlan,
) -> Vec<f32> {
    let (before, _) = plan.padding();
    let output = plan.output_size([height, width]);
    let taps = plan.kernel * plan.kernel;
    let mut patches = vec![0.0; images * output[0] * output[1] * channels * taps];
    let pixels = patches.chunks_exact_mut((channels * taps).max(1));
    for (index, patch) in pixels.enumerate() {
        let (row, column) = (index / output[1] % output[0], index % output[1]);
        let image = index / output[1] / output[0];
        for tap in 0..taps {
            let row = (row * plan.stride + tap / plan.kernel).checked_sub(before);
            let column = (column * plan.stride + tap % plan.kernel).checked_sub(before);
            let (Some(row), Some(column)) = (row, column) else {
                continue;
            };
            if row < height && column < width {
                let from = ((image * height + row) * width + column) * channels;
                for (channel, value) in input[from..from + channels].iter().enumerate() {
                    patch[channel * taps + tap] = *value;
                }
            }
        }
    }
    patches
}
