//! The turns at the beginning of a run, one by one.

use super::RunError;
use crate::engine::time::Nanos;
use crate::result::TurnRow;
use crate::scenario::{Scenario, Share};
use crate::sim::{self, Layout, Observer, Speed, Variant};

/// Records who holds the SMs of one domain.
struct Watch {
    domain: usize,
    until: Nanos,
    /// Row of each entry.
    row_of: Vec<usize>,
    rows: Vec<TurnRow>,
    /// Row of the present turn, and since when.
    open: Option<(usize, Nanos)>,
}

impl Watch {
    /// Watches the domain with this number on this GPU of the scenario.
    fn new(
        scenario: &Scenario,
        layout: &Layout,
        (gpu, number): (usize, usize),
        until: Nanos,
    ) -> Watch {
        let place = layout.gpus.iter().position(|&other| other == gpu);
        let first = place.map_or(0, |place| layout.domains[place].start);
        let domain = first + number;
        let mut watch = Watch {
            domain,
            until,
            row_of: Vec::new(),
            rows: Vec::new(),
            open: None,
        };
        for (instance, tenants) in layout.guests.iter().zip(&layout.tenants) {
            let name = scenario.guests[instance.group].member_name(instance.ordinal);
            for tenant in tenants.iter().filter(|tenant| tenant.domain == domain) {
                let entry = tenant.entry as usize;
                if watch.row_of.len() <= entry {
                    watch.row_of.resize(entry + 1, usize::MAX);
                }
                // Channels of one guest, and processes in one vGPU, have one row.
                let known = watch.rows.iter().position(|row| row.tenant == name);
                let row = match (watch.row_of[entry], known) {
                    (usize::MAX, Some(row)) => row,
                    (usize::MAX, None) => {
                        watch.rows.push(TurnRow {
                            tenant: name.clone(),
                            turns: Vec::new(),
                        });
                        watch.rows.len() - 1
                    }
                    (row, _) => row,
                };
                watch.row_of[entry] = row;
            }
        }
        watch
    }

    fn close(&mut self, now: Nanos) {
        if let Some((row, since)) = self.open.take() {
            let end = now.min(self.until);
            let turns = &mut self.rows[row].turns;
            match turns.last_mut() {
                _ if since >= end => {}
                Some(last) if last.1 == since => last.1 = end,
                _ => turns.push((since, end)),
            }
        }
    }
}

impl Observer for Watch {
    const WATCHES_TURNS: bool = true;

    fn turn(&mut self, domain: usize, holder: Option<u32>, ready: Nanos, now: Nanos) {
        if domain != self.domain {
            return;
        }
        let next = holder.and_then(|entry| Some((*self.row_of.get(entry as usize)?, ready)));
        if self.open == next {
            return;
        }
        self.close(now);
        self.open = next;
    }
}

/// The first domain that is shared in turns: its GPU, and its number there.
fn in_turns(scenario: &Scenario) -> Option<(usize, usize)> {
    let gpus = scenario.gpus.iter().enumerate();
    gpus.flat_map(|(gpu, configured)| {
        let domains = configured.domains().into_iter().enumerate();
        let turns = domains.filter(|(_, domain)| matches!(domain.share, Share::TimeSlice(_)));
        turns
            .map(move |(number, _)| (gpu, number))
            .collect::<Vec<_>>()
    })
    .next()
}

/// The turns of the first domain that is shared in turns, in replication 0 up to `until` of simulated time;
/// none where nobody takes turns.
///
/// # Errors
///
/// If the scenario cannot be simulated.
pub(super) fn first_turns(scenario: &Scenario, until: Nanos) -> Result<Vec<TurnRow>, RunError> {
    let mut short = scenario.clone();
    short.run.warmup = 0;
    short.run.window = until.min(scenario.run.warmup.saturating_add(scenario.run.window));
    short.run.drain = 0;
    let until = short.run.window;
    let Some((gpu, number)) = in_turns(&short) else {
        return Ok(Vec::new());
    };
    let cells = sim::partition(&short);
    let Some(cell) = cells.iter().find(|cell| cell.contains(&gpu)) else {
        return Ok(Vec::new());
    };
    let built = sim::build(
        &short,
        cell,
        0,
        Variant::Shared,
        Speed::RoundJump,
        |layout| Watch::new(&short, layout, (gpu, number), until),
    )?;
    let mut watch = built.run();
    watch.close(until);
    Ok(watch.rows)
}
