//! A model in the list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::MethodName;
use engine::LoadedModel;

/// The loaded models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// The first one answers requests that name none.
    pub models: Vec<ModelSummary>,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// The publisher's version.
    pub version: String,
    /// Whether it answers.
    pub ready: bool,
    /// The methods it answers by; the first is used when a request names none.
    pub methods: Vec<MethodName>,
    /// One sentence for people.
    pub description: String,
    /// Licence of the weights.
    pub licence: String,
    /// SHA-256 of its manifest, which holds the digests of all its files.
    pub sha256: String,
    /// What runs it: `cpu` or `cuda:N`.
    pub execution_provider: String,
}

impl ModelSummary {
    pub(super) fn of(model: &LoadedModel) -> Self {
        let manifest = model.manifest();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            // The engine lists a model only once every worker has loaded and tried it.
            ready: true,
            methods: model.methods().into_iter().map(MethodName::from).collect(),
            description: manifest.description.clone(),
            licence: manifest.licence.clone(),
            sha256: model.digest().to_owned(),
            execution_provider: model.execution_provider().to_owned(),
        }
    }
}
