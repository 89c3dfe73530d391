//! The client of progenitor: `secondlook-client http://HOST:PORT CELLS`. It has no forms, so it
//! sends no field.

use std::path::Path;

use serde_json::json;

// example begins
progenitor::generate_api!(
    spec = "../../../work/clients/document/openapi-reduced.json",
    interface = Builder,
);

use types::{MethodName, PredictionAnswer, Problem};

async fn ask(address: &str, image: Vec<u8>) -> Result<PredictionAnswer, Error<Problem>> {
    let answer = Client::new(address)
        .create_prediction()
        .method(MethodName::McDropout)
        .seed(7)
        .body(image)
        .send()
        .await?;
    Ok(answer.into_inner())
}

// `Err(Error::ErrorResponse(problem))` is typed: `println!("{} {:?}", problem.type_, problem.hint)`
// example ends

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("no address")?;
    let cells = arguments.next().ok_or("no folder of cells")?;
    let read = |name: &str| std::fs::read(Path::new(&cells).join(name));
    let answer = ask(&address, read("hsil.png")?).await?;
    let refused = match ask(&address, read("README.md")?).await {
        Err(Error::ErrorResponse(problem)) => problem.into_inner(),
        other => return Err(format!("text was taken for an image: {other:?}").into()),
    };
    let said = json!({
        "label": answer.prediction.label,
        "action": answer.decision.action,
        "uncertainty": answer.uncertainty,
        "problem": { "type": refused.type_, "status": refused.status },
    });
    println!("{said}");
    Ok(())
}
