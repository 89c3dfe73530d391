//! Cells to look at, with what every pass of every method said of them.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{elements::text, page::Page, part::PartId};
use crate::{
    plots::{
        Plot,
        strips::{Strip, StripPlot},
    },
    report::{Gallery, GalleryAnswer, GalleryCell, PartInput},
};

pub(super) fn write(page: &mut Page, gallery: &Gallery, part: &PartInput, index: usize) {
    let id = PartId::new(index);
    page.heading(3, &id.id("gallery"), "Cells to look at");
    page.guide("Cells are chosen by the mean predictive entropy over the methods, one per image. Each row of ticks is a method: a tick is the probability that one pass (a dropout mask, a head, a view of the cell) gave to the method's answer, the diamond is their mean. Ticks close together and far to the right are a sure answer; spread ticks say that the passes disagree.");
    let kinds = [
        ("surest", "The surest", &gallery.most_certain),
        ("least-sure", "The least sure", &gallery.least_certain),
        (
            "sure-and-wrong",
            "Sure and wrong: the surest of those that most methods answer wrongly",
            &gallery.certain_and_wrong,
        ),
    ];
    for (kind, title, cells) in kinds {
        page.heading(4, &id.id(kind), title);
        if cells.is_empty() {
            page.paragraph("There are none.");
        }
        let cards: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(number, cell)| {
                let plot = strips(&id, kind, number, cell, part);
                card(cell, part, &page.inline_plot(plot))
            })
            .collect();
        page.raw(&format!("<div class=\"gallery\">{}</div>", cards.concat()));
    }
}

fn card(cell: &GalleryCell, part: &PartInput, svg: &str) -> String {
    let thumbnail = part
        .cells
        .get(cell.row)
        .and_then(|cell| cell.thumbnail.as_deref());
    let picture = thumbnail.map_or_else(
        || "<div class=\"no-picture\">no picture</div>".to_owned(),
        |png| {
            format!(
                "<img src=\"data:image/png;base64,{}\" alt=\"cell {}\">",
                STANDARD.encode(png),
                text(&cell.cell_id)
            )
        },
    );
    format!(
        "<article class=\"cell\"><div class=\"about\">{picture}<p>true class<br><b>{}</b></p><p class=\"id\">cell {}<br>image {}<br>entropy {:.3} nats</p></div><div class=\"plot\">{svg}</div></article>",
        text(&cell.label),
        text(&cell.cell_id),
        text(&cell.image_id),
        cell.predictive_entropy,
    )
}

fn strips(id: &PartId, kind: &str, number: usize, cell: &GalleryCell, part: &PartInput) -> Plot {
    let strip = |answer: &GalleryAnswer| {
        let method = part
            .methods
            .iter()
            .find(|method| method.name == answer.method);
        let samples = method.and_then(|method| method.samples.get(cell.row));
        Strip {
            method: answer.method.clone(),
            answer: answer.answer.clone(),
            right: answer.right,
            samples: samples.map_or_else(Vec::new, |samples| {
                samples.of_class(answer.predicted).collect()
            }),
            mean: answer.probability,
        }
    };
    StripPlot {
        name: &id.plot(kind, number, "samples"),
        title: &format!("Samples of cell {}", cell.cell_id),
        description: "The probability of the answer in each pass of each method",
        strips: cell.answers.iter().map(strip).collect(),
    }
    .draw()
}
