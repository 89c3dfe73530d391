//! ResNets with random weights as PyTorch exports them: convolutions, batch normalisation,
//! residuals, pooling, a `Gemm`.

use bundle::onnx::{
    AttributeProto, Axis, Axis::Fixed, GraphProto, ModelProto, NodeProto, TensorProto,
    float_tensor, ints_attribute, model, node, tensor_info,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// The size, and how the end is exported.
#[derive(Clone, Copy)]
pub struct ResNet {
    /// Channels of the stem; the features are 32 times as many. The real network has 64.
    pub width: i64,
    /// Bottleneck blocks of each stage; ResNet50 has 3, 4, 6 and 3.
    pub blocks: [usize; 4],
    /// Batch, height and width of the input.
    pub image: [Axis; 3],
    /// The layers after the pooled map.
    pub end: End,
}

/// The layers after the pooled map `[N, D, 1, 1]`.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
    /// `Flatten` and a `Gemm` with transposed weights, as in torchvision's exports.
    Gemm,
    /// `Reshape` to one row, a `MatMul`, its bias and a softmax.
    FixedReshape,
    /// None: `[N, D, 1, 1]`.
    Nothing,
    /// Features and logits are both outputs.
    Both,
}

/// Classes of the classifier.
pub const CLASSES: i64 = 10;

impl ResNet {
    pub fn small(end: End, image: [Axis; 3]) -> Self {
        Self {
            width: 4,
            blocks: [1, 1, 1, 1],
            image,
            end,
        }
    }

    pub fn model(&self) -> ModelProto {
        let mut graph = Builder::default();
        let mut value = graph.convolution("image", [self.width, 3, 7], 2);
        value = graph.add("Relu", &[&value]);
        let pooled = graph.add("MaxPool", &[&value]);
        graph.attributes(&[
            ints_attribute("kernel_shape", &[3, 3]),
            ints_attribute("strides", &[2, 2]),
            ints_attribute("pads", &[1, 1, 1, 1]),
        ]);
        let (mut value, mut inputs) = (pooled, self.width);
        for (stage, blocks) in self.blocks.into_iter().enumerate() {
            let width = self.width << stage;
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                value = graph.bottleneck(&value, inputs, width, stride);
                inputs = 4 * width;
            }
        }
        value = graph.add("GlobalAveragePool", &[&value]);
        let outputs = self.finish(&mut graph, &value, inputs);
        let [batch, height, width] = self.image;
        model(GraphProto {
            name: "main_graph".to_owned(),
            node: graph.nodes,
            initializer: graph.weights,
            input: vec![tensor_info("image", &[batch, Fixed(3), height, width])],
            output: outputs
                .iter()
                .map(|name| tensor_info(name, &[batch]))
                .map(|mut info| {
                    info.r#type = None;
                    info
                })
                .collect(),
            ..GraphProto::default()
        })
    }

    fn finish(&self, graph: &mut Builder, pooled: &str, features: i64) -> Vec<String> {
        match self.end {
            End::Nothing => vec![pooled.to_owned()],
            End::Gemm | End::Both => {
                let flat = graph.add("Flatten", &[pooled]);
                graph.attributes(&[int_attribute("axis", 1)]);
                let (weight, bias) = graph.layer([CLASSES, features]);
                let logits = graph.add("Gemm", &[&flat, &weight, &bias]);
                graph.attributes(&[int_attribute("transB", 1)]);
                if self.end == End::Both {
                    return vec![flat, logits];
                }
                vec![logits]
            }
            End::FixedReshape => {
                let shape = bundle::onnx::int64_vector("one_row", &[1, -1]);
                graph.weights.push(shape);
                let flat = graph.add("Reshape", &[pooled, "one_row"]);
                let (weight, bias) = graph.layer([features, CLASSES]);
                let product = graph.add("MatMul", &[&flat, &weight]);
                let logits = graph.add("Add", &[&bias, &product]);
                let probabilities = graph.add("Softmax", &[&logits]);
                vec![probabilities]
            }
        }
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
}

impl Builder {
    fn add(&mut self, operator: &str, inputs: &[&str]) -> String {
        let output = format!("/{operator}_{}_output_0", self.nodes.len());
        self.nodes.push(node(operator, inputs, &output));
        output
    }

    /// Adds attributes to the last node.
    fn attributes(&mut self, attributes: &[AttributeProto]) {
        let last = self.nodes.last_mut().unwrap();
        last.attribute.extend_from_slice(attributes);
    }

    fn weight(&mut self, dims: &[i64], values: Vec<f32>) -> String {
        let name = format!("onnx::weight_{}", self.weights.len());
        self.weights.push(float_tensor(&name, dims, &values));
        name
    }

    /// He initialisation, so that values stay in range through fifty layers.
    fn random(&mut self, dims: &[i64], inputs: i64) -> String {
        let count: i64 = dims.iter().product();
        let mut random = ChaCha8Rng::seed_from_u64(self.weights.len() as u64);
        let bound = (6.0 / inputs as f32).sqrt();
        let values = (0..count)
            .map(|_| (random.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0) * bound)
            .collect();
        self.weight(dims, values)
    }

    fn layer(&mut self, dims: [i64; 2]) -> (String, String) {
        let weight = self.random(&dims, dims[0].max(dims[1]));
        (weight, self.random(&[CLASSES], CLASSES))
    }

    fn convolution(
        &mut self,
        input: &str,
        [outputs, inputs, kernel]: [i64; 3],
        stride: i64,
    ) -> String {
        let weight = self.random(&[outputs, inputs, kernel, kernel], inputs * kernel * kernel);
        let convolved = self.add("Conv", &[input, &weight]);
        let pad = kernel / 2;
        self.attributes(&[
            ints_attribute("kernel_shape", &[kernel, kernel]),
            ints_attribute("strides", &[stride, stride]),
            ints_attribute("pads", &[pad, pad, pad, pad]),
        ]);
        let constant = |value: f32| vec![value; outputs as usize];
        let [scale, bias, mean, variance] =
            [1.0, 0.01, 0.02, 1.5].map(|value| self.weight(&[outputs], constant(value)));
        self.add(
            "BatchNormalization",
            &[&convolved, &scale, &bias, &mean, &variance],
        )
    }

    fn bottleneck(&mut self, input: &str, inputs: i64, width: i64, stride: i64) -> String {
        let mut value = self.convolution(input, [width, inputs, 1], 1);
        value = self.add("Relu", &[&value]);
        value = self.convolution(&value, [width, width, 3], stride);
        value = self.add("Relu", &[&value]);
        value = self.convolution(&value, [4 * width, width, 1], 1);
        let shortcut = if inputs == 4 * width {
            input.to_owned()
        } else {
            self.convolution(input, [4 * width, inputs, 1], stride)
        };
        value = self.add("Add", &[&value, &shortcut]);
        self.add("Relu", &[&value])
    }
}

pub fn int_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: value,
        r#type: 2,
        ..AttributeProto::default()
    }
}
