//! Another scheduler in place of the scenario's: what comparisons vary, and nothing else.

use super::raw::{Field, Key, RawMode, RawScenario, RawShare};
use super::scheduler::{Kind, RawScheduler};
use crate::diagnostics::nearest;
use crate::policy::registry::{self, Use};

/// A scheduler with keys of its own, in place of that of every GPU, GPU instance and compute instance
/// that is shared in turns.
///
/// Keys of the scenario's `share` that the scheduler understands stay: a `slice` is that of every
/// scheduler which takes one.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// As it was asked for.
    pub name: String,
    scheduler: RawScheduler,
    own: RawShare,
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
        let Some(scheduler) = RawScheduler::named(name) else {
            let names = registry::names();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(format!("no scheduler `{name}`; {help}"));
        };
        let mut table = String::new();
        for part in parts {
            let Some((key, value)) = part.split_once('=') else {
                return Err(format!("`{part}` after `{name}` is not KEY=VALUE"));
            };
            let bare = value.parse::<f64>().is_ok() || value == "true" || value == "false";
            let quote = if bare { "" } else { "\"" };
            table.push_str(&format!("{key} = {quote}{value}{quote}\n"));
        }
        let own: RawShare = toml::from_str(&table)
            .map_err(|error| format!("keys of `{text}`: {}", error.message()))?;
        if own.scheduler.is_some() || own.mode.is_some() {
            return Err(format!(
                "`{text}`: `scheduler` and `mode` cannot be set here"
            ));
        }
        Ok(Alternative {
            name: text.to_owned(),
            scheduler,
            own,
        })
    }

    /// Puts the scheduler into every `share` in turns; how many there are.
    pub(super) fn apply(&self, raw: &mut RawScenario) -> u32 {
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
        if mode.is_some_and(|mode| mode != RawMode::TimeSlice) {
            return 0;
        }
        let span = field.span.clone();
        let share = &mut field.value;
        let kind = self.scheduler.kind();
        let reserving = self.scheduler.reserving();
        let turning = matches!(kind, Kind::BestEffort | Kind::RoundRobin);
        if !reserving {
            (share.arr, share.frequency, share.averaging_factor) = (None, None, None);
            share.on_idle = None;
        }
        if !turning {
            (share.turns, share.rotation, share.ties) = (None, None, None);
        }
        if !self.scheduler.uses(Use::Slice) {
            share.slice = None;
        }
        if !self.scheduler.sliced() {
            share.on_completion = None;
        }
        if !self.scheduler.uses(Use::ReservedTurns) {
            share.reserved_turns = None;
        }
        if kind != Kind::FixedShare {
            share.elastic_cap = None;
        }
        let own = &self.own;
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
            value: self.scheduler,
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
