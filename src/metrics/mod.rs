//! The metrics of a result: one row of [`table`] each. The tables of a results folder, the regression gate,
//! comparisons, objectives and `docs/metrics.md` all read it, so that a name means one thing everywhere.
//!
//! A metric of a family of latencies has one row for the family; [`Chosen`] adds the statistic (and the
//! class of jobs) to it.

pub mod document;
mod duration;
mod figure;
mod need;
pub mod objective;
mod once;
mod table;
pub mod terms;

pub use duration::{trimmed, write_nanos};
pub use figure::{Figure, Found, Number, Subject, figures};
pub use need::Need;
pub use once::{Once, Window};
pub use table::table;

pub use crate::result::Unit;
use crate::result::{
    Better, EngineResult, Estimate, GpuResult, GroupResult, InstanceResult, Latency, Member,
    QuantileEstimate, ReplicationEngine, ReplicationGpu, ReplicationGuest, ReplicationInstance,
    ReplicationLatency,
};

/// What a result has figures of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A guest group.
    Group,
    /// One guest of a group.
    Member,
    Gpu,
    /// A GPU or compute instance.
    Instance,
    /// A copy or media engine, or the host cores.
    Engine,
}

/// A table of `docs/metrics.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Guests,
    /// Where the time of a job goes.
    Parts,
    /// Where the time of the SMs goes.
    SmTime,
    Gpus,
    Fairness,
}

/// One metric, or one family of latencies.
pub struct Metric {
    /// Such as `response` of `response_p95`, or `jobs` of `jobs_arrived`.
    pub family: Option<&'static str>,
    /// Such as `arrived`; of a latency empty, since the statistic is its name.
    pub name: &'static str,
    pub unit: Unit,
    /// `None` where neither way is.
    pub better: Option<Better>,
    /// Whether the value is only a bound where guests are overloaded: what rests on the latency of jobs that
    /// ended.
    pub bounded: bool,
    /// Whether objectives can ask for it: no counts, which grow with the run, and no settings.
    pub asked: bool,
    /// What a guest must have for it.
    pub needs: Option<Need>,
    /// Place among the metrics that a comparison is about where the user names none, from 0. Of a latency its
    /// [usual](Statistic::is_usual) statistics are.
    pub usual: Option<u8>,
    /// Whether the first look at a comparison leaves it to the tables.
    pub aside: bool,
    /// Short words under which people ask for it.
    pub also: &'static [&'static str],
    /// As headings write it, where that is not its name with blanks.
    pub heading: Option<&'static str>,
    /// As sentences on a comparison call it, where they speak of it: of a latency the 95th percentile.
    pub spoken: Option<&'static str>,
    /// Which table of `docs/metrics.md` it is in.
    pub section: Section,
    /// What it is, in the markup of `docs/metrics.md`.
    pub meaning: &'static str,
    /// Where it applies, and how it is read there.
    pub readers: &'static [Reader],
}

/// How a metric is read from a result: overall, and in one replication.
pub enum Reader {
    Group(
        for<'a> fn(&'a GroupResult) -> Option<Reading<'a>>,
        fn(&ReplicationGuest, &Window) -> Option<f64>,
    ),
    /// A family of latencies.
    Latency(
        for<'a> fn(&'a GroupResult) -> Option<&'a Latency>,
        for<'a> fn(&'a ReplicationGuest) -> Option<&'a ReplicationLatency>,
    ),
    /// The response of each class of jobs.
    Classes,
    /// Members have no figures of single replications.
    Member(for<'a> fn(&'a Member) -> Option<Reading<'a>>),
    MemberLatency(for<'a> fn(&'a Member, Statistic) -> Option<Reading<'a>>),
    Gpu(
        for<'a> fn(&'a GpuResult) -> Option<Reading<'a>>,
        fn(&ReplicationGpu, &Window) -> Option<f64>,
    ),
    Instance(
        for<'a> fn(&'a InstanceResult) -> Option<Reading<'a>>,
        fn(&ReplicationInstance, &Window) -> Option<f64>,
    ),
    Engine(
        for<'a> fn(&'a EngineResult) -> Option<Reading<'a>>,
        fn(&ReplicationEngine, &Window) -> Option<f64>,
    ),
}

impl Reader {
    pub fn scope(&self) -> Scope {
        match self {
            Reader::Group(..) | Reader::Latency(..) | Reader::Classes => Scope::Group,
            Reader::Member(_) | Reader::MemberLatency(_) => Scope::Member,
            Reader::Gpu(..) => Scope::Gpu,
            Reader::Instance(..) => Scope::Instance,
            Reader::Engine(..) => Scope::Engine,
        }
    }
}

/// What was found of a metric over all replications.
pub enum Reading<'a> {
    Estimate(&'a Estimate),
    Quantile(&'a QuantileEstimate),
    /// With nothing to estimate, and where it is from.
    Observed(Option<u64>, Observation),
}

/// Where a number that is no estimate is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// Jobs or events were counted.
    Counted,
    /// The largest that was seen, which is no bound on longer runs.
    Largest,
    /// A quantile of all replications together, of which no interval is known.
    Pooled,
    /// The scenario gives it.
    Given,
    /// MSER-5 suggests it.
    Mser5,
}

/// A statistic of a family of latencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    Mean,
    /// The value that this fraction of the jobs does not exceed.
    Quantile(f64),
    Largest,
}

/// Family whose statistics need no family: `p95` is `response.p95`.
pub const PLAIN: &str = "response";

impl Statistic {
    /// All that a result has, in its order.
    pub const ALL: [Statistic; 7] = [
        Statistic::Mean,
        Statistic::Quantile(0.5),
        Statistic::Quantile(0.9),
        Statistic::Quantile(0.95),
        Statistic::Quantile(0.99),
        Statistic::Quantile(0.999),
        Statistic::Largest,
    ];

    /// The quantiles of them, increasing.
    pub fn quantiles() -> impl Iterator<Item = f64> {
        let all = Statistic::ALL.into_iter();
        all.filter_map(|statistic| match statistic {
            Statistic::Quantile(p) => Some(p),
            Statistic::Mean | Statistic::Largest => None,
        })
    }

    /// Whether a first look has it; the tables have all.
    pub fn is_usual(self) -> bool {
        match self {
            Statistic::Mean => true,
            Statistic::Quantile(p) => [0.5, 0.95, 0.99].contains(&p),
            Statistic::Largest => false,
        }
    }

    /// `mean`, `p95`, `p99.9`, `largest`.
    pub fn name(self) -> String {
        match self {
            Statistic::Mean => "mean".to_owned(),
            Statistic::Quantile(p) => {
                // 0.999 becomes p99.9; six decimals are finer than any quantile that is asked for.
                let percent = format!("{:.6}", p * 100.0);
                format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
            }
            Statistic::Largest => "largest".to_owned(),
        }
    }

    /// What a latency says of it; nothing where the quantile is not among those that are reported.
    pub fn of(self, latency: &Latency) -> Option<Reading<'_>> {
        match self {
            Statistic::Mean => Some(Reading::Estimate(&latency.mean_ns)),
            Statistic::Quantile(p) => {
                let mut quantiles = latency.quantiles.iter();
                let found = quantiles.find(|found| (found.p - p).abs() < 1e-9)?;
                Some(Reading::Quantile(found))
            }
            Statistic::Largest => Some(Reading::Observed(latency.largest_ns, Observation::Largest)),
        }
    }
}

impl Metric {
    /// Whether it has a statistic for its name.
    pub fn is_latency(&self) -> bool {
        let latency = |reader: &Reader| {
            matches!(
                reader,
                Reader::Latency(..) | Reader::Classes | Reader::MemberLatency(_)
            )
        };
        self.readers.iter().any(latency)
    }

    pub fn applies_to(&self, scope: Scope) -> bool {
        self.readers.iter().any(|reader| reader.scope() == scope)
    }
}

/// A metric with all that its name says: of a latency the statistic, and the class of jobs.
#[derive(Clone, PartialEq)]
pub struct Chosen {
    pub metric: &'static Metric,
    pub class: Option<String>,
    pub statistic: Option<Statistic>,
}

/// There is one row for each metric.
impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Chosen {
    /// The second word of a name of two, or the only one: `p95`, `urgent_p95`, `throughput`.
    pub fn short_name(&self) -> String {
        match (self.statistic, &self.class) {
            (None, _) => self.metric.name.to_owned(),
            (Some(statistic), None) => statistic.name(),
            (Some(statistic), Some(class)) => format!("{class}_{}", statistic.name()),
        }
    }

    /// Family and short name, joined by `separator`.
    pub fn name(&self, separator: &str) -> String {
        match self.metric.family {
            Some(family) => format!("{family}{separator}{}", self.short_name()),
            None => self.short_name(),
        }
    }

    /// Place among the metrics that a comparison is about where the user names none.
    pub fn usual(&self) -> Option<u8> {
        let usual = self.statistic.is_none_or(Statistic::is_usual);
        self.metric.usual.filter(|_| usual)
    }
}

/// The metric of a name such as `antt` or `response.p95`; `None` for that of a class of jobs.
pub fn known(name: &str) -> Option<Chosen> {
    let mut each = table().flat_map(|metric| {
        let statistics = Statistic::ALL.into_iter().map(Some);
        let all = statistics.chain([None]);
        all.filter(move |statistic| statistic.is_some() == metric.is_latency())
            .map(move |statistic| Chosen {
                metric,
                class: None,
                statistic,
            })
    });
    each.find(|chosen| chosen.name(".") == name)
}

/// The metrics that a comparison is about where the user names none, in the order of their places.
pub fn usual() -> Vec<&'static Metric> {
    let mut found: Vec<&Metric> = table().filter(|metric| metric.usual.is_some()).collect();
    found.sort_by_key(|metric| metric.usual);
    found
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.name("."))
    }
}

/// Every metric that things of a kind have, in the order of the table. Guest groups whose jobs are of
/// `classes` have the latency of each.
pub fn of_scope(scope: Scope, classes: &[&str]) -> Vec<Chosen> {
    let mut found = Vec::new();
    for metric in table() {
        let Some(reader) = metric.readers.iter().find(|r| r.scope() == scope) else {
            continue;
        };
        let mut with = |class: Option<&str>, statistic| {
            found.push(Chosen {
                metric,
                class: class.map(str::to_owned),
                statistic,
            });
        };
        match reader {
            Reader::Classes => {
                for class in classes {
                    for statistic in Statistic::ALL {
                        with(Some(class), Some(statistic));
                    }
                }
            }
            Reader::Latency(..) | Reader::MemberLatency(_) => {
                for statistic in Statistic::ALL {
                    with(None, Some(statistic));
                }
            }
            _ => with(None, None),
        }
    }
    found
}
