//! Another scheduler in place of the scenario's: what comparisons vary, and nothing else.

use crate::diagnostics::nearest;
use crate::policy::registry::{self, Use};
use crate::policy::{Parameter, spatial};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::read::parameters;
use crate::scenario::read::raw::{RawMode, RawScenario, RawShare};
use crate::scenario::read::scheduler::{Kind, RawDivision, RawScheduler};
use serde::Deserialize;
use toml::de::DeTable;

/// A scheduler with keys of its own, in place of that of every GPU, GPU instance and compute instance
/// that is shared in turns; or how clients divide the SMs, wherever they run side by side.
///
/// Keys of the scenario's `share` that the scheduler understands stay: a `slice` is that of every
/// scheduler which takes one.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// As it was asked for.
    pub name: String,
    policy: Policy,
    own: RawShare,
}

/// What takes the place of the scenario's.
#[derive(Debug, Clone, Copy)]
enum Policy {
    /// In turns.
    Time(RawScheduler),
    /// Side by side.
    Space(RawDivision),
}

/// Keys of a `share` that say what takes the place of what, or who may be there: the policy's name does.
const NOT_HERE: [&str; 4] = ["mode", "scheduler", "division", "replicas"];

impl Policy {
    fn parameters(self) -> &'static [Parameter] {
        match self {
            Policy::Time(scheduler) => scheduler.parameters(),
            Policy::Space(_) => &[],
        }
    }

    /// The keys that it may have here, its own first.
    fn keys(self) -> Vec<&'static str> {
        let own = self.parameters().iter().map(|parameter| parameter.name);
        let all = registry::SHARE_KEYS.iter().copied();
        let shared = all.filter(|key| match self {
            Policy::Time(_) => *key != "interference" && !NOT_HERE.contains(key),
            Policy::Space(_) => *key == "interference",
        });
        own.chain(shared).collect()
    }

    /// Refuses a key that it has not, or a value that the key may not have.
    fn check(self, name: &str, key: &str, value: &str) -> Result<(), String> {
        let keys = self.keys();
        if !keys.contains(&key) {
            let help = match nearest(key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it takes {}", keys.join(", ")),
            };
            return Err(format!("`{name}` has no key `{key}`; {help}"));
        }
        let mut own = self.parameters().iter();
        match own.find(|parameter| parameter.name == key) {
            Some(parameter) => parameters::check(parameter, value)
                .map_err(|wrong| format!("`{name}+{key}={value}`: {wrong}")),
            None => Ok(()),
        }
    }
}

impl Alternative {
    /// Reads `NAME`, or `NAME+key=value+…` with keys of a `share` table, such as
    /// `equal-share+arr=false+slice=2ms`.
    ///
    /// # Errors
    ///
    /// What cannot be read, in words, with the valid names.
    pub fn parse(text: &str) -> Result<Alternative, String> {
        let mut parts = text.split('+');
        let name = parts.next().unwrap_or("");
        let time = RawScheduler::named(name).map(Policy::Time);
        let space = || spatial::find(name).map(|found| Policy::Space(RawDivision(found)));
        let Some(policy) = time.or_else(space) else {
            let names: Vec<&str> = [registry::names(), spatial::names()].concat();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(format!("no scheduler `{name}`; {help}"));
        };
        let (mut table, mut given) = (String::new(), Vec::new());
        for part in parts {
            let Some((key, value)) = part.split_once('=') else {
                return Err(format!("`{part}` after `{name}` is not KEY=VALUE"));
            };
            let (key, value) = (key.trim(), value.trim());
            policy.check(name, key, value)?;
            if given.contains(&key) {
                return Err(format!("`{text}`: `{key}` is given twice"));
            }
            given.push(key);
            let bare = value.parse::<f64>().is_ok() || value == "true" || value == "false";
            let quote = if bare { "" } else { "\"" };
            table.push_str(&format!("{key} = {quote}{value}{quote}\n"));
        }
        let wrong = |error: toml::de::Error| format!("keys of `{text}`: {}", error.message());
        let mut tree = DeTable::parse(&table).map_err(wrong)?;
        parameters::set_aside_here(tree.get_mut());
        let own = RawShare::deserialize(toml::Deserializer::from(tree)).map_err(wrong)?;
        Ok(Alternative {
            name: text.to_owned(),
            policy,
            own,
        })
    }

    /// Whether it is for clients that run side by side.
    pub(crate) fn is_spatial(&self) -> bool {
        matches!(self.policy, Policy::Space(_))
    }

    /// Puts the policy into every `share` of its kind; how many there are.
    pub(crate) fn apply(&self, raw: &mut RawScenario) -> u32 {
        let neutral = raw.preset.is_some();
        let mut changed = 0;
        for gpu in raw.gpus.values_mut() {
            let span = gpu.span.clone();
            if gpu.value.instances.is_empty() {
                changed += self.put(&mut gpu.value.share, &span, neutral);
                continue;
            }
            for instance in gpu.value.instances.values_mut() {
                let span = instance.span.clone();
                if instance.value.cis.is_empty() {
                    changed += self.put(&mut instance.value.share, &span, neutral);
                }
                for ci in instance.value.cis.values_mut() {
                    let span = ci.span.clone();
                    changed += self.put(&mut ci.value.share, &span, neutral);
                }
            }
        }
        changed
    }

    fn put(&self, key: &mut Key<RawShare>, holder: &std::ops::Range<usize>, neutral: bool) -> u32 {
        let field = key.get_or_insert_with(|| Field {
            value: RawShare::default(),
            span: holder.clone(),
        });
        let mode = field.value.mode.as_ref().map(|mode| mode.value);
        let span = field.span.clone();
        let share = &mut field.value;
        let scheduler = match (self.policy, mode.unwrap_or(RawMode::TimeSlice)) {
            (Policy::Time(scheduler), RawMode::TimeSlice) => scheduler,
            (Policy::Space(value), RawMode::Spatial) => {
                overlay(&mut share.interference, &self.own.interference);
                share.division = Some(Field { value, span });
                return 1;
            }
            _ => return 0,
        };
        let kind = scheduler.kind();
        let reserving = scheduler.reserving();
        let turning = matches!(kind, Kind::BestEffort | Kind::RoundRobin);
        if !reserving {
            (share.arr, share.frequency, share.averaging_factor) = (None, None, None);
            share.on_idle = None;
        }
        if !turning {
            (share.turns, share.rotation, share.ties) = (None, None, None);
        }
        if !scheduler.uses(Use::Slice) {
            share.slice = None;
        }
        if !scheduler.sliced() {
            share.on_completion = None;
        }
        if !scheduler.uses(Use::ReservedTurns) {
            share.reserved_turns = None;
        }
        if kind != Kind::FixedShare {
            share.elastic_cap = None;
        }
        let known = scheduler.parameters();
        let known = |name: &str| known.iter().any(|parameter| parameter.name == name);
        share.parameters.retain(|name, _| known(name));
        let own = &self.own;
        for (name, field) in &own.parameters {
            share.parameters.insert(name.clone(), field.clone());
        }
        overlay(&mut share.arr, &own.arr);
        let arr = share.arr.as_ref().map_or(!neutral, |arr| arr.value);
        if reserving && arr && !neutral {
            share.slice = None; // it is 1 / frequency
        }
        if reserving && !arr {
            (share.frequency, share.averaging_factor) = (None, None);
        }
        overlay(&mut share.frequency, &own.frequency);
        overlay(&mut share.averaging_factor, &own.averaging_factor);
        overlay(&mut share.slice, &own.slice);
        overlay(&mut share.turns, &own.turns);
        overlay(&mut share.rotation, &own.rotation);
        overlay(&mut share.on_completion, &own.on_completion);
        overlay(&mut share.on_idle, &own.on_idle);
        overlay(&mut share.ties, &own.ties);
        overlay(&mut share.reserved_turns, &own.reserved_turns);
        overlay(&mut share.elastic_cap, &own.elastic_cap);
        share.scheduler = Some(Field {
            value: scheduler,
            span,
        });
        1
    }
}

fn overlay<T: Clone>(key: &mut Key<T>, own: &Key<T>) {
    if let Some(field) = own {
        let span = key.as_ref().map_or(0..0, |key| key.span.clone());
        *key = Some(Field {
            value: field.value.clone(),
            span,
        });
    }
}
