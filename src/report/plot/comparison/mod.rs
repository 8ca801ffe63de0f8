//! Figures of a comparison: what each policy made of one scenario.

mod cdf;
mod slowdowns;
mod trade_off;
mod turns;

use super::canvas::{Canvas, Drawn, Page};
use crate::result::ComparisonResult;
use plotters_backend::DrawingBackend;

/// The figures of a comparison's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonFigure {
    /// Distribution of response times, a panel for each guest group, a curve for each policy.
    ResponseCdf,
    /// Fairness against throughput, a point for each policy.
    TradeOff,
    /// Slowdown of each guest under each policy.
    Slowdowns,
    /// Who held the SMs when.
    Turns,
}

impl ComparisonFigure {
    pub const ALL: [ComparisonFigure; 4] = [
        ComparisonFigure::ResponseCdf,
        ComparisonFigure::TradeOff,
        ComparisonFigure::Slowdowns,
        ComparisonFigure::Turns,
    ];

    /// File name without its ending.
    pub fn file_stem(self) -> &'static str {
        match self {
            ComparisonFigure::ResponseCdf => "response_cdf",
            ComparisonFigure::TradeOff => "fairness_throughput",
            ComparisonFigure::Slowdowns => "slowdowns",
            ComparisonFigure::Turns => "turns",
        }
    }

    /// What the figure shows, for the folder's README.
    pub fn what(self) -> &'static str {
        match self {
            ComparisonFigure::ResponseCdf => "distribution of response times under each policy",
            ComparisonFigure::TradeOff => "fairness against throughput, with the Pareto front",
            ComparisonFigure::Slowdowns => "slowdown of each guest under each policy",
            ComparisonFigure::Turns => "who held the SMs when, under each policy",
        }
    }

    pub(super) fn page(self, result: &ComparisonResult) -> Page {
        match self {
            ComparisonFigure::ResponseCdf => cdf::page(result),
            ComparisonFigure::TradeOff => trade_off::page(result),
            ComparisonFigure::Slowdowns => slowdowns::page(result),
            ComparisonFigure::Turns => turns::page(result),
        }
    }

    pub(super) fn draw<B: DrawingBackend>(
        self,
        canvas: &mut Canvas<B>,
        result: &ComparisonResult,
    ) -> Drawn<B> {
        match self {
            ComparisonFigure::ResponseCdf => cdf::draw(canvas, result),
            ComparisonFigure::TradeOff => trade_off::draw(canvas, result),
            ComparisonFigure::Slowdowns => slowdowns::draw(canvas, result),
            ComparisonFigure::Turns => turns::draw(canvas, result),
        }
    }
}

/// Guest groups in the order of the scenario.
fn groups(result: &ComparisonResult) -> Vec<&str> {
    let all = result.policies.iter().flat_map(|policy| &policy.response);
    let mut names: Vec<&str> = Vec::new();
    for group in all {
        if !names.contains(&group.guest.as_str()) {
            names.push(&group.guest);
        }
    }
    names
}
