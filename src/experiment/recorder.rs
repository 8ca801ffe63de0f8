//! What is kept of a cell: counts, histograms and accounts, in memory that grows with the number of
//! guests and not with that of jobs.
//!
//! Each subject has an observer of its own in a file beside this one; here they are composed, and what they saw
//! is put into one [`CellRecord`].

mod accounts;
mod counts;
mod frames;
mod parts;
mod responses;
mod tokens;

use super::records::Rows;
use crate::scenario::Scenario;
use crate::sim::{Layout, PARTS, Pool, Schedule};
use crate::stats::coarse::CoarseHistogram;
use crate::stats::histogram::LatencyHistogram;
pub(super) use accounts::GpuEdge;
use accounts::{AccountKeeper, MemberAccounts};
use counts::{Counts, MemberCounts};
use frames::Frames;
use parts::{MemberParts, Parts};
use responses::{MemberResponses, Responses};
pub(super) use responses::{SERIES_BINS, series_bin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
pub(super) use tokens::TokenRecord;
use tokens::{MemberTokens, Tokens};

/// What was kept of one cell in one replication. Guests, groups and GPUs have their local numbers, as the cell's
/// [`Layout`] and [`Groups`] have them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CellRecord {
    /// By local guest.
    pub members: Vec<MemberRecord>,
    /// By local group.
    pub groups: Vec<GroupRecord>,
    /// By local GPU and edge.
    pub gpus: Vec<Vec<GpuEdge>>,
    /// Busy core·ns of shared host cores, by edge.
    pub host: Vec<u128>,
    /// Running time of all entries in the window, by local GPU.
    pub entries_ran: Vec<u64>,
    /// Memory at the end of the window.
    pub pools: Vec<Pool>,
}

/// One guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberRecord {
    /// Jobs by arrival in the window.
    pub arrived: u64,
    pub completed: u64,
    pub dropped: u64,
    pub out_of_memory: u64,
    pub timed_out: u64,
    /// Ended by commands.
    pub lost: u64,
    /// Started with a request of the window as their oldest.
    pub batches: u64,
    /// Tokens generated in the window, and requests that were sent back to their engine's queue in it.
    pub generated: u64,
    pub preempted: u64,
    /// Of requests that ended, by arrival in the window: tokens, and how many met their objectives.
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    pub good: u64,
    /// Jobs that ended at any time, and when the last of them did.
    pub ended: u64,
    pub last_end: u64,
    /// Jobs that ended in the window.
    pub ended_in_window: u64,
    pub late: u64,
    pub response: CoarseHistogram,
    pub service_ns: u128,
    pub parts_ns: [u128; PARTS],
    /// Running time in the window.
    pub ran: u64,
    pub longest_wait: u64,
    pub backlog_middle: u64,
    pub backlog_end: u64,
    /// Jobs that have come and not gone, whenever that was; below zero if one went twice.
    pub in_system: i64,
    /// As the guest itself had them at the end of the run: see invariant I3.
    pub in_flight: u64,
    /// Jobs whose times contradict each other: see invariant I4.
    pub contradictions: u64,
}

/// A group of guests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupRecord {
    pub response: LatencyHistogram,
    pub service: LatencyHistogram,
    /// (sum of responses, jobs) by time of arrival.
    pub series: Vec<(u128, u64)>,
    /// Responses of each class of jobs; empty where all are alike.
    pub classes: Vec<LatencyHistogram>,
    /// Of a group that serves a language model.
    pub tokens: Option<Box<TokenRecord>>,
}

impl GroupRecord {
    /// Adds what another cell recorded of the same group in the same replication.
    pub fn merge(&mut self, other: GroupRecord) {
        // Named one by one, so that what is added to a group is added here too.
        let GroupRecord {
            response,
            service,
            series,
            classes,
            tokens,
        } = other;
        self.response.merge(&response);
        self.service.merge(&service);
        for (own, (sum, jobs)) in self.series.iter_mut().zip(series) {
            own.0 += sum;
            own.1 += jobs;
        }
        for (own, class) in self.classes.iter_mut().zip(&classes) {
            own.merge(class);
        }
        if let (Some(own), Some(tokens)) = (&mut self.tokens, tokens) {
            own.first.merge(&tokens.first);
            own.between.merge(&tokens.between);
        }
    }
}

/// The groups that have guests with work in a cell.
pub(super) struct Groups {
    /// Index into the scenario's guests, by local group.
    pub groups: Vec<usize>,
    /// Local group of each local guest.
    pub of: Vec<usize>,
}

impl Groups {
    pub fn new(layout: &Layout) -> Self {
        let mut groups: Vec<usize> = Vec::new();
        let mut known = BTreeMap::new();
        let numbers = layout.guests.iter().map(|instance| {
            *known.entry(instance.group).or_insert_with(|| {
                groups.push(instance.group);
                groups.len() - 1
            })
        });
        let of = numbers.collect();
        Groups { groups, of }
    }
}

/// The observers of a cell under measurement.
pub(super) type Recorder = (
    Counts,
    (
        Responses,
        (Parts, (Frames, (Tokens, (AccountKeeper, Option<Rows>)))),
    ),
);

/// Observers of a cell; with `rows`, one row is written for each job.
pub(super) fn recorder(scenario: &Scenario, layout: &Layout, rows: Option<Rows>) -> Recorder {
    let schedule = Schedule::new(&scenario.run);
    let accounts = AccountKeeper::new(scenario, layout, &schedule);
    let tokens = Tokens::new(scenario, layout, &schedule);
    let frames = Frames::new(scenario, layout, &schedule);
    let parts = Parts::new(layout, &schedule);
    let responses = Responses::new(scenario, layout, &schedule);
    let counts = Counts::new(layout, &schedule);
    (
        counts,
        (responses, (parts, (frames, (tokens, (accounts, rows))))),
    )
}

/// What the observers saw.
///
/// # Errors
///
/// The first error of writing rows, if there was one.
pub(super) fn finish(recorder: Recorder) -> io::Result<CellRecord> {
    let (counts, (responses, (parts, (frames, (tokens, (accounts, rows)))))) = recorder;
    if let Some(rows) = rows {
        rows.finish()?;
    }
    let (response_members, responses) = responses.finish();
    let (token_members, tokens) = tokens.finish();
    let groups = responses
        .into_iter()
        .zip(tokens)
        .map(|(group, tokens)| group.with(tokens));
    let mut members = Vec::new();
    let each = counts.members.into_iter().zip(response_members);
    let each = each.zip(parts.members).zip(frames.late);
    let each = each.zip(token_members).zip(accounts.members);
    for (((((counts, response), parts), late), tokens), accounts) in each {
        members.push(member(counts, response, (parts, late), tokens, accounts));
    }
    Ok(CellRecord {
        members,
        groups: groups.collect(),
        gpus: accounts.gpus,
        host: accounts.host,
        entries_ran: accounts.entries_ran,
        pools: accounts.pools,
    })
}

/// Puts together what each observer saw of a guest. All is taken apart by name: what an observer is told to keep is
/// kept here too.
fn member(
    counts: MemberCounts,
    responses: MemberResponses,
    (parts, late): (MemberParts, u64),
    tokens: MemberTokens,
    accounts: MemberAccounts,
) -> MemberRecord {
    let MemberCounts {
        arrived,
        completed,
        dropped,
        out_of_memory,
        timed_out,
        lost,
        batches,
        ended,
        last_end,
        ended_in_window,
        backlog_middle,
        backlog_end,
        in_system,
        in_flight,
    } = counts;
    let MemberResponses {
        response,
        service_ns,
    } = responses;
    let MemberParts {
        parts_ns,
        contradictions,
    } = parts;
    let MemberTokens {
        generated,
        preempted,
        prompt_tokens,
        output_tokens,
        good,
    } = tokens;
    let MemberAccounts { ran, longest_wait } = accounts;
    MemberRecord {
        arrived,
        completed,
        dropped,
        out_of_memory,
        timed_out,
        lost,
        batches,
        generated,
        preempted,
        prompt_tokens,
        output_tokens,
        good,
        ended,
        last_end,
        ended_in_window,
        late,
        response,
        service_ns,
        parts_ns,
        ran,
        longest_wait,
        backlog_middle,
        backlog_end,
        in_system,
        in_flight,
        contradictions,
    }
}
