//! Metrics of a result over all its replications.

use super::{Chosen, Observation, Reader, Reading, Scope, of_scope};
use crate::result::{EngineResult, GpuResult, GroupResult, InstanceResult, Member, Method, Reason};

/// Something that a result has figures of.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Group(&'a GroupResult),
    /// A guest, and whether its group is overloaded.
    Member(&'a Member, bool),
    Gpu(&'a GpuResult),
    Instance(&'a InstanceResult),
    Engine(&'a EngineResult),
}

impl<'a> From<&'a GroupResult> for Subject<'a> {
    fn from(group: &'a GroupResult) -> Self {
        Subject::Group(group)
    }
}

impl<'a> From<&'a GpuResult> for Subject<'a> {
    fn from(gpu: &'a GpuResult) -> Self {
        Subject::Gpu(gpu)
    }
}

impl<'a> From<&'a InstanceResult> for Subject<'a> {
    fn from(instance: &'a InstanceResult) -> Self {
        Subject::Instance(instance)
    }
}

impl<'a> From<&'a EngineResult> for Subject<'a> {
    fn from(engine: &'a EngineResult) -> Self {
        Subject::Engine(engine)
    }
}

impl Subject<'_> {
    fn scope(&self) -> Scope {
        match self {
            Subject::Group(_) => Scope::Group,
            Subject::Member(..) => Scope::Member,
            Subject::Gpu(_) => Scope::Gpu,
            Subject::Instance(_) => Scope::Instance,
            Subject::Engine(_) => Scope::Engine,
        }
    }

    fn overloaded(&self) -> bool {
        match self {
            Subject::Group(group) => group.overload.is_some(),
            Subject::Member(_, overloaded) => *overloaded,
            Subject::Gpu(_) | Subject::Instance(_) | Subject::Engine(_) => false,
        }
    }
}

/// A number of a result; `None` where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(Option<u64>),
    Real(Option<f64>),
}

impl Number {
    pub fn value(self) -> Option<f64> {
        match self {
            Number::Whole(value) => value.map(|value| value as f64),
            Number::Real(value) => value,
        }
    }
}

/// How a number was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Estimated from replications.
    Estimated(Method),
    /// Not estimated.
    Observed(Observation),
}

/// One metric of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure<'a> {
    pub metric: Chosen,
    pub value: Number,
    /// Half-width of the interval, in the unit of the value.
    pub half_width: Option<f64>,
    /// Replications that contributed; `None` for counts, observations and quantiles.
    pub n: Option<u32>,
    pub method: Found,
    /// Whether the value is "at least": latencies of overloaded guests.
    pub lower_bound: bool,
    /// Why there is no value or no interval.
    pub note: Option<&'a Reason>,
}

impl Figure<'_> {
    /// As the tables write it.
    pub fn unit(&self) -> &'static str {
        self.metric.metric.unit.name()
    }
}

impl Chosen {
    /// The metric of this thing; `None` where it has none of this name.
    pub fn figure<'a>(&self, subject: Subject<'a>) -> Option<Figure<'a>> {
        let reading = self.reading(subject)?;
        let lower_bound = self.metric.bounded && subject.overloaded();
        let metric = self.clone();
        Some(match reading {
            Reading::Estimate(estimate) => Figure {
                metric,
                value: Number::Real(estimate.value),
                half_width: estimate.half_width,
                n: Some(estimate.n),
                method: Found::Estimated(estimate.method),
                lower_bound,
                note: estimate.note.as_ref(),
            },
            Reading::Quantile(quantile) => Figure {
                metric,
                value: Number::Whole(quantile.value_ns),
                half_width: quantile.half_width_ns,
                n: None,
                method: Found::Estimated(quantile.method),
                lower_bound,
                note: quantile.note.as_ref(),
            },
            Reading::Observed(value, source) => Figure {
                metric,
                value: Number::Whole(value),
                half_width: None,
                n: None,
                method: Found::Observed(source),
                lower_bound,
                note: None,
            },
        })
    }

    /// What a result says of it.
    pub fn reading<'a>(&self, subject: Subject<'a>) -> Option<Reading<'a>> {
        let mut readers = self.metric.readers.iter();
        readers.find_map(|reader| match (reader, subject) {
            (Reader::Group(read, _), Subject::Group(group)) => read(group),
            (Reader::Latency(read, _), Subject::Group(group)) => self.statistic?.of(read(group)?),
            (Reader::Classes, Subject::Group(group)) => {
                let name = self.class.as_deref()?;
                let class = group.classes.iter().find(|class| class.name == name)?;
                self.statistic?.of(&class.response)
            }
            (Reader::Member(read), Subject::Member(member, _)) => read(member),
            (Reader::MemberLatency(read), Subject::Member(member, _)) => {
                read(member, self.statistic?)
            }
            (Reader::Gpu(read, _), Subject::Gpu(gpu)) => read(gpu),
            (Reader::Instance(read, _), Subject::Instance(instance)) => read(instance),
            (Reader::Engine(read, _), Subject::Engine(engine)) => read(engine),
            _ => None,
        })
    }
}

/// All metrics of a thing, in the order of the table.
pub fn figures<'a>(subject: impl Into<Subject<'a>>) -> Vec<Figure<'a>> {
    let subject = subject.into();
    let classes: Vec<&str> = match subject {
        Subject::Group(group) => group.classes.iter().map(|c| c.name.as_str()).collect(),
        _ => Vec::new(),
    };
    of_scope(subject.scope(), &classes)
        .iter()
        .filter_map(|chosen| chosen.figure(subject))
        .collect()
}
