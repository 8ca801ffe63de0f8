//! How a guest serves the jobs that come to it.

use super::llm::Llm;
use crate::engine::time::Nanos;

/// What an idle stream takes: the rules exclude each other.
///
/// What goes with several of them is beside it in a [`Workload`](super::Workload): arrivals, memory and
/// stages go with all, classes and time-outs wherever jobs queue for a stream ([`Streams`](Self::Streams)
/// and [`Batches`](Self::Batches)). How each rule is carried out is in `sim::serving`.
#[derive(Debug, Clone, Default)]
pub enum Discipline {
    /// Each job by itself, in the order of the queue.
    #[default]
    Streams,
    /// Requests are served several at a time: a job that starts is a batch of those that wait.
    Batches(Batching),
    /// Jobs are frames.
    Frames(Frames),
    /// Jobs are requests to a language model: the stages are those of an iteration of its engine.
    LanguageModel(Box<Llm>),
}

impl Discipline {
    /// The rule of a guest that batches.
    pub fn batching(&self) -> Option<Batching> {
        match self {
            Discipline::Batches(batching) => Some(*batching),
            _ => None,
        }
    }

    /// The displays of a guest that shows frames.
    pub fn frames(&self) -> Option<Frames> {
        match self {
            Discipline::Frames(frames) => Some(*frames),
            _ => None,
        }
    }

    /// The engine of a guest that serves a language model.
    pub fn llm(&self) -> Option<&Llm> {
        match self {
            Discipline::LanguageModel(llm) => Some(llm),
            _ => None,
        }
    }
}

/// How waiting requests are taken together, as by the dynamic batcher of an inference server: an idle
/// stream takes up to `max` of them, in order of arrival, as soon as `max` wait or the first of them
/// has waited for `delay`. Nobody joins a batch that has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Requests of a batch at most, at least 1.
    pub max: u32,
    /// How long the first request of a batch waits for others at most.
    pub delay: Nanos,
}

/// Frames of a display. The application draws no picture before its limiter lets it; one that has not started
/// when the next one comes is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    /// Displays of a guest.
    pub displays: u32,
    /// Width and height of each in pixels.
    pub resolution: (u32, u32),
    /// Time from the start of a frame to that of the next at least: the frame-rate limiter. 0 without
    /// one.
    pub gap: Nanos,
    /// What network and client add to each frame's latency: the user sees it so much later, and nothing of
    /// the machine is held up.
    pub outside: Nanos,
}

impl Frames {
    /// Pixels of all displays.
    pub fn pixels(&self) -> u64 {
        let (width, height) = self.resolution;
        u64::from(self.displays) * u64::from(width) * u64::from(height)
    }
}
