//! Example cells, with the answer of every pass of every method.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use super::{page::Page, part::PartId};
use crate::{
    plots::{
        Plot, PlotFrame,
        strips::{Strip, StripPlot},
    },
    report::{Gallery, GalleryAnswer, GalleryCell, PartInput},
};

pub(super) fn write(page: &mut Page, gallery: &Gallery, part: &PartInput, index: usize) {
    let id = PartId::new(index);
    page.heading(3, &id.id("gallery"), "Example cells");
    page.guide(
        "The cells are chosen by mean predictive entropy over the methods, one per image. \
        Each row of ticks is a method. A tick is the probability that one pass (a dropout mask, a \
        head, a view of the cell) gives to the method's answer; the diamond is the mean. Ticks \
        close together and far to the right show a certain answer. Spread ticks show that the \
        passes disagree.",
    );
    let kinds = [
        ("surest", "Most certain", &gallery.most_certain),
        ("least-sure", "Least certain", &gallery.least_certain),
        (
            "sure-and-wrong",
            "Certain and wrong: the most certain of those that most methods get wrong",
            &gallery.certain_and_wrong,
        ),
    ];
    for (kind, title, cells) in kinds {
        page.heading(4, &id.id(kind), title);
        if cells.is_empty() {
            page.paragraph("No such cells.");
        }
        let mut cards = Vec::new();
        for (number, cell) in cells.iter().enumerate() {
            let plot = page.inline_plot(strips(&id, kind, number, cell, part));
            cards.push(card(cell, part, &plot));
        }
        page.add(html! { div.gallery { @for card in cards { (card) } } });
    }
}

fn card(cell: &GalleryCell, part: &PartInput, plot: &Markup) -> Markup {
    let thumbnail = part
        .cells
        .get(cell.row)
        .and_then(|cell| cell.thumbnail.as_ref());
    let picture = thumbnail.map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    html! {
        article.cell {
            div.about {
                @match picture {
                    Some(picture) => img src=(picture) alt={ "cell " (cell.cell_id) };,
                    None => div.no-picture { "no picture" },
                }
                p { "true class" br; b { (cell.label) } }
                p.id {
                    "cell " (cell.cell_id) br; "image " (cell.image_id) br;
                    "entropy " (format!("{:.3}", cell.predictive_entropy)) " nats"
                }
            }
            div.plot { (plot) }
        }
    }
}

fn strips(id: &PartId, kind: &str, number: usize, cell: &GalleryCell, part: &PartInput) -> Plot {
    let strip = |answer: &GalleryAnswer| {
        let mut methods = part.methods.iter();
        let method = methods.find(|method| method.name == answer.method);
        let samples = method.and_then(|method| method.samples.get(cell.row));
        let passes = samples.map(|samples| samples.of_class(answer.predicted).collect());
        Strip {
            method: answer.method.clone(),
            answer: answer.answer.clone(),
            right: answer.right,
            samples: passes.unwrap_or_default(),
            mean: answer.probability,
        }
    };
    StripPlot {
        frame: PlotFrame {
            name: id.id(&format!("{kind}-{}-samples", number + 1)),
            title: format!("Samples of cell {}", cell.cell_id),
            description: "The probability of the answer in each pass of each method".to_owned(),
        },
        strips: cell.answers.iter().map(strip).collect(),
    }
    .draw()
}
