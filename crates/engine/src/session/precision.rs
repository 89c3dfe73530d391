//! The choice of a bundle's trunk for this machine.

use crate::{
    StartError,
    config::{EngineConfig, TrunkPrecision},
};
use bundle::{Bundle, Manifest, Precision};

/// The properties of the machine that matter.
#[derive(Clone, Copy)]
struct Machine {
    /// Whether trunks run on a GPU.
    gpu: bool,
    /// Whether the processor multiplies and adds 8-bit integers in one instruction.
    vnni: bool,
}

/// The bundle with the configured trunk.
pub(crate) fn choose(config: &EngineConfig, bundle: &Bundle) -> Result<Bundle, StartError> {
    if bundle.trunk_precision().is_none() {
        return Ok(bundle.clone());
    }
    let machine = Machine {
        gpu: config.is_on_gpu(),
        vnni: has_vnni(),
    };
    let precision = wanted(config.trunk_precision, machine, bundle.manifest());
    let chosen = bundle.clone().with_trunk_precision(precision);
    chosen.ok_or_else(|| StartError::NoSuchTrunk {
        name: bundle.manifest().name.clone(),
        precision,
    })
}

fn wanted(configured: TrunkPrecision, machine: Machine, manifest: &Manifest) -> Precision {
    match configured {
        TrunkPrecision::Float32 => Precision::Float32,
        TrunkPrecision::Int8 => Precision::Int8,
        TrunkPrecision::Float16 => Precision::Float16,
        TrunkPrecision::Auto => fastest(machine, manifest),
    }
}

fn fastest(machine: Machine, manifest: &Manifest) -> Precision {
    // On an H100, cuDNN had no plan for many of the default trunk's 16-bit convolutions, and took
    // half a minute to report it.
    if machine.gpu || !machine.vnni {
        return Precision::Float32;
    }
    let trunk = manifest.trunk.as_ref();
    let variant = trunk.and_then(|trunk| trunk.variants.get(&Precision::Int8));
    let methods = manifest.offered_methods();
    if variant.is_some_and(|variant| variant.decides_alike(&methods)) {
        Precision::Int8
    } else {
        Precision::Float32
    }
}

/// Whether the processor multiplies and adds 8-bit integers in one instruction.
#[cfg(target_arch = "x86_64")]
pub fn has_vnni() -> bool {
    std::is_x86_feature_detected!("avx512vnni") || std::is_x86_feature_detected!("avxvnni")
}

/// Not measured on other processors.
#[cfg(not(target_arch = "x86_64"))]
pub fn has_vnni() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Machine, Precision, TrunkPrecision, wanted};
    use bundle::{Agreement, FileReference, Manifest, Method, TrunkVariant};

    const GPU: Machine = Machine {
        gpu: true,
        vnni: true,
    };
    const WITH_VNNI: Machine = Machine {
        gpu: false,
        vnni: true,
    };
    const WITHOUT: Machine = Machine {
        gpu: false,
        vnni: false,
    };

    /// The default bundle with both variants and an agreement for these methods.
    fn manifest(images: usize, equal_decisions: f64, methods: &[Method]) -> Manifest {
        let text = include_str!("../../../../models/cric-lite0/bundle.toml");
        let mut manifest: Manifest = toml::from_str(text).unwrap();
        let agreement = Agreement {
            images,
            equal_labels: 1.0,
            equal_decisions,
        };
        let variant = TrunkVariant {
            file: FileReference {
                name: "other.onnx".to_owned(),
                sha256: String::new(),
            },
            agreement: methods.iter().map(|method| (*method, agreement)).collect(),
        };
        let both = [Precision::Int8, Precision::Float16];
        let trunk = manifest.trunk.as_mut().unwrap();
        trunk.variants = BTreeMap::from(both.map(|precision| (precision, variant.clone())));
        manifest
    }

    fn automatic(machine: Machine, manifest: &Manifest) -> Precision {
        wanted(TrunkPrecision::Auto, machine, manifest)
    }

    #[test]
    fn auto_takes_fast_trunk_that_agrees() {
        let alike = manifest(200, 0.995, &Method::ALL);
        assert_eq!(automatic(WITH_VNNI, &alike), Precision::Int8);
        assert_eq!(automatic(GPU, &alike), Precision::Float32);
        assert_eq!(automatic(WITHOUT, &alike), Precision::Float32);
        let unlike = manifest(200, 0.994, &Method::ALL);
        assert_eq!(automatic(WITH_VNNI, &unlike), Precision::Float32);
    }

    #[test]
    fn auto_needs_enough_comparisons() {
        let in_part = manifest(200, 1.0, &[Method::Baseline]);
        assert_eq!(automatic(WITH_VNNI, &in_part), Precision::Float32);
        let on_few = manifest(199, 1.0, &Method::ALL);
        assert_eq!(automatic(WITH_VNNI, &on_few), Precision::Float32);
    }

    #[test]
    fn configured_precision_is_always_taken() {
        let unlike = manifest(200, 0.5, &[]);
        let asked = |configured| wanted(configured, WITHOUT, &unlike);
        assert_eq!(asked(TrunkPrecision::Int8), Precision::Int8);
        assert_eq!(asked(TrunkPrecision::Float16), Precision::Float16);
        assert_eq!(asked(TrunkPrecision::Float32), Precision::Float32);
    }
}
