//! The multi-head losses, value and gradient, compared with PyTorch's.

use burn::tensor::{DType, Device, Tensor, TensorData};
use clap::ValueEnum;
use serde_json::Value;
use trainer::{EPSILON, LossError, LossOptions, MultiHeadLoss, Targets, one_hot};

fn oracle() -> Value {
    serde_json::from_slice(&std::fs::read(testkit::path("tests/fixtures/losses.json")).unwrap())
        .unwrap()
}

/// A number, or a string for one that JSON cannot hold.
fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

/// The shape and the numbers of a list of lists of lists.
fn flat(value: &Value) -> ([usize; 3], Vec<f64>) {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let heads = list(value);
    let cells: Vec<Value> = heads.iter().flat_map(list).collect();
    let numbers: Vec<f64> = cells.iter().flat_map(list).map(|it| number(&it)).collect();
    let (rows, heads) = (cells.len(), heads.len());
    let shape = [heads, rows / heads.max(1), numbers.len() / rows.max(1)];
    (shape, numbers)
}

fn tensor(values: Vec<f64>, shape: [usize; 3]) -> Tensor<3> {
    let device = Device::flex().autodiff();
    Tensor::from_data(TensorData::new(values, shape), (&device, DType::F64))
}

/// Loss and gradient of a case, in double precision.
fn computed(loss: MultiHeadLoss, inputs: &Value) -> Result<(f64, Vec<f64>), LossError> {
    let (shape, logits) = flat(&inputs["logits"]);
    let [heads, _, classes] = shape;
    let labels = inputs["labels"].as_array().unwrap();
    let labels = labels.iter().map(|label| label.as_u64().unwrap() as usize);
    let cells = labels.len();
    let targets = one_hot(labels, classes)?.into_iter().map(f64::from);
    let targets = Targets {
        classes: tensor(targets.collect(), [1, cells, classes]),
        weights: tensor(vec![1.0; heads * cells], [heads, cells, 1]),
    };
    let options = LossOptions {
        binary_share: 0.0,
        abnormal: &vec![true; classes],
        epsilon: inputs["epsilon"].as_f64().unwrap_or(EPSILON),
    };
    let logits = tensor(logits, shape).require_grad();
    let loss = loss.of(logits.clone(), &targets, &options)?;
    let gradient = logits.grad(&loss.backward()).unwrap();
    let value = loss.into_data().iter::<f64>().next().unwrap();
    Ok((value, gradient.into_data().iter().collect()))
}

#[test]
fn losses_and_gradients_match_pytorch() {
    let oracle = oracle();
    let bound = |wanted: f64| {
        number(&oracle["tolerance_abs"]) + number(&oracle["tolerance_rel"]) * wanted.abs()
    };
    let close = |got: f64, wanted: f64| (got - wanted).abs() <= bound(wanted);
    let cases = oracle["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        for (name, wanted) in case["expected"].as_object().unwrap() {
            let loss = MultiHeadLoss::from_str(name, false).unwrap();
            let (value, gradient) = computed(loss, &case["inputs"]).unwrap();
            let at = format!("{} {name}", case["id"]);
            assert!(close(value, number(&wanted["loss"])), "{at}: {value}");
            let wanted = flat(&wanted["grad"]).1;
            assert_eq!(gradient.len(), wanted.len(), "{at}");
            let agrees = gradient.iter().zip(&wanted).all(|(a, b)| close(*a, *b));
            assert!(agrees, "{at}: {gradient:?}");
        }
    }
}

#[test]
fn invalid_losses_are_refused() {
    for case in oracle()["error_cases"].as_array().unwrap() {
        for loss in MultiHeadLoss::value_variants() {
            let error = computed(*loss, &case["inputs"]).unwrap_err();
            let name = match error {
                LossError::Empty => "empty",
                LossError::Shape => "shape",
                LossError::LabelOutOfRange => "label_out_of_range",
                LossError::Domain => "domain",
                LossError::NotFinite => "not_finite",
            };
            assert_eq!(case["error"], name, "{} {loss:?}", case["id"]);
        }
    }
}

#[test]
fn weight_two_equals_a_repeated_cell() {
    let options = LossOptions {
        binary_share: 0.5,
        abnormal: &[false, true, true],
        epsilon: EPSILON,
    };
    let logits = |cells: &[[f64; 3]]| tensor(cells.concat(), [1, cells.len(), 3]);
    let targets = |classes: Vec<f64>, weights: Vec<f64>| Targets {
        classes: tensor(classes, [1, weights.len(), 3]),
        weights: tensor(weights.clone(), [1, weights.len(), 1]),
    };
    let (first, second) = ([0.3, -1.0, 2.0], [1.0, 0.5, 0.1]);
    let weighted = targets(vec![0.9, 0.1, 0.0, 0.0, 0.0, 1.0], vec![2.0, 1.0]);
    let repeated = targets(
        vec![0.9, 0.1, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 1.0],
        vec![1.0; 3],
    );
    for loss in MultiHeadLoss::value_variants() {
        let value = |logits, targets| {
            let loss = loss.of(logits, targets, &options).unwrap();
            loss.into_data().iter::<f64>().next().unwrap()
        };
        let once = value(logits(&[first, second]), &weighted) * 2.0;
        let twice = value(logits(&[first, first, second]), &repeated) * 3.0;
        assert!((once - twice).abs() < 1e-12, "{loss:?}: {once} {twice}");
    }
}

/// The binary loss's part of the cost of one cell.
fn of_question(logits: &[f64], class: usize, abnormal: &[bool]) -> f64 {
    let classes = logits.len();
    let one_hot = one_hot([class].into_iter(), classes).unwrap();
    let targets = Targets {
        classes: tensor(
            one_hot.into_iter().map(f64::from).collect(),
            [1, 1, classes],
        ),
        weights: tensor(vec![1.0], [1, 1, 1]),
    };
    let [with, without] = [1.0, 0.0].map(|binary_share| {
        let options = LossOptions {
            binary_share,
            abnormal,
            epsilon: EPSILON,
        };
        let logits = tensor(logits.to_vec(), [1, 1, classes]);
        let loss = MultiHeadLoss::Individual.of(logits, &targets, &options);
        loss.unwrap().into_data().iter::<f64>().next().unwrap()
    });
    with - without
}

#[test]
fn binary_loss_sums_the_normal_classes() {
    let logits = [0.3_f64, -1.0, 2.0, 0.5];
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for abnormal in [
        [false, true, true, true],
        [true, true, false, true],
        [true, false, true, false],
        [false, false, false, true],
    ] {
        for (class, own_kind) in abnormal.iter().enumerate() {
            let of_kind = logits.iter().zip(&abnormal);
            let of_kind = of_kind.filter(|(_, flag)| *flag == own_kind);
            let right: f64 = of_kind.map(|(logit, _)| logit.exp() / total).sum();
            let added = of_question(&logits, class, &abnormal);
            assert!(
                (added + right.ln()).abs() < 1e-9,
                "{abnormal:?} {class}: {added}"
            );
        }
    }
    for one_kind in [[false; 4], [true; 4]] {
        assert_eq!(of_question(&logits, 0, &one_kind), 0.0);
    }
}
