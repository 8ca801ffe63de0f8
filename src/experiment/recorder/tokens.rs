//! The tokens of language models.

use super::Groups;
use crate::engine::time::{NEVER, Nanos};
use crate::scenario::Scenario;
use crate::sim::{self, Layout, Observer, Schedule, Token};
use crate::stats::histogram::LatencyHistogram;
use crate::workload::llm::Llm;
use serde::{Deserialize, Serialize};

/// Times of the tokens of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRecord {
    pub first: LatencyHistogram,
    pub between: LatencyHistogram,
}

/// Of one guest; the fields are those of [`MemberRecord`](super::MemberRecord).
#[derive(Clone, Default)]
pub(super) struct MemberTokens {
    pub generated: u64,
    pub preempted: u64,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    pub good: u64,
}

/// A group that serves a language model: its times, and what is asked of them.
struct Serving {
    record: Box<TokenRecord>,
    first_objective: Nanos,
    between_objective: Nanos,
}

impl Serving {
    fn new(llm: &Llm) -> Self {
        Serving {
            record: Box::new(TokenRecord {
                first: LatencyHistogram::new(),
                between: LatencyHistogram::new(),
            }),
            first_objective: llm.first_token.unwrap_or(NEVER),
            between_objective: llm.between_tokens.unwrap_or(NEVER),
        }
    }

    /// Whether a request meets both objectives. One token has no gaps.
    fn good(&self, tokens: &sim::Tokens) -> bool {
        let gaps = u128::from(tokens.output - 1);
        tokens.to_first <= self.first_objective
            && u128::from(tokens.to_last) <= gaps * u128::from(self.between_objective)
    }
}

/// Counts tokens and keeps their times.
pub(crate) struct Tokens {
    schedule: Schedule,
    members: Vec<MemberTokens>,
    group_of: Vec<usize>,
    groups: Vec<Option<Serving>>,
}

impl Tokens {
    pub(super) fn new(scenario: &Scenario, layout: &Layout, schedule: &Schedule) -> Self {
        let Groups { groups, of } = Groups::new(layout);
        let groups = groups
            .into_iter()
            .map(|group| scenario.guests[group].workload.discipline.llm())
            .map(|llm| llm.map(Serving::new));
        Tokens {
            schedule: schedule.clone(),
            members: vec![MemberTokens::default(); layout.guests.len()],
            group_of: of,
            groups: groups.collect(),
        }
    }

    pub(super) fn finish(self) -> (Vec<MemberTokens>, Vec<Option<Box<TokenRecord>>>) {
        let groups = self.groups.into_iter();
        let records = groups.map(|serving| serving.map(|serving| serving.record));
        (self.members, records.collect())
    }
}

impl Observer for Tokens {
    fn token(&mut self, guest: usize, token: &Token) {
        let now = token.arrival + token.since_arrival;
        self.members[guest].generated += u64::from(self.schedule.in_window(now));
        if let Some(serving) = &mut self.groups[self.group_of[guest]]
            && self.schedule.in_window(token.arrival)
        {
            match token.since_last {
                None => serving.record.first.record(token.since_arrival),
                Some(gap) => serving.record.between.record(gap),
            }
        }
    }

    fn preempted(&mut self, guest: usize, now: Nanos, requests: u64) {
        if self.schedule.in_window(now) {
            self.members[guest].preempted += requests;
        }
    }

    fn served(&mut self, guest: usize, tokens: &sim::Tokens) {
        if !self.schedule.in_window(tokens.arrival) {
            return;
        }
        let member = &mut self.members[guest];
        member.prompt_tokens += u64::from(tokens.prompt);
        member.output_tokens += u64::from(tokens.output);
        if let Some(serving) = &self.groups[self.group_of[guest]] {
            member.good += u64::from(serving.good(tokens));
        }
    }
}
