//! A language-model engine at run time: which requests run, what the next iteration computes, and
//! where keys and values are cached.
//!
//! Scheduling is that of vLLM's engine (<https://docs.vllm.ai>): requests that run go first, in the
//! order in which they were admitted; waiting ones are admitted in order of arrival while there is room
//! for their next chunk. A running request that finds no block sends the one that was admitted last
//! back to the queue, which loses its cache and computes it anew.

use crate::engine::random::Stream;
use crate::engine::time::{NEVER, Nanos};
use crate::sim::guest::{DrawKey, Job};
use crate::sim::observer::{PARTS, Tokens};
use crate::workload::llm::{Cost, Llm, Step, cost};
use std::collections::VecDeque;

/// A request in the engine.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub job: Job,
    pub prompt: u32,
    pub output: u32,
    /// Tokens whose keys and values are cached.
    cached: u32,
    pub generated: u32,
    /// Tokens that the present iteration computes.
    chunk: u32,
    blocks: u64,
    /// When it ran first, and when its first and last tokens came; [`NEVER`] before.
    pub started: Nanos,
    pub first: Nanos,
    pub last: Nanos,
    pub parts: [Nanos; PARTS],
}

impl Request {
    fn new(job: Job, prompt: u32, output: u32) -> Self {
        Request {
            job,
            prompt,
            output,
            cached: 0,
            generated: 0,
            chunk: 0,
            blocks: 0,
            started: NEVER,
            first: NEVER,
            last: NEVER,
            parts: [0; PARTS],
        }
    }

    /// What came of it.
    pub fn tokens(&self) -> Tokens {
        Tokens {
            arrival: self.job.arrival,
            prompt: self.prompt,
            output: self.output,
            to_first: self.first - self.job.arrival,
            to_last: self.last - self.first,
        }
    }

    /// Tokens that are not in the cache yet.
    fn missing(&self) -> u32 {
        self.prompt + self.generated - self.cached
    }
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Engine {
    llm: Box<Llm>,
    prompts: Stream,
    outputs: Stream,
    pub waiting: VecDeque<Request>,
    pub running: Vec<Request>,
    free: u64,
    /// Iterations so far.
    pub iterations: u64,
    /// How often a request was sent back since this was last asked.
    preempted: u64,
}

impl Engine {
    pub fn new(llm: &Llm, key: DrawKey<'_>) -> Self {
        Engine {
            prompts: key.stream("prompt"),
            outputs: key.stream("output"),
            waiting: VecDeque::new(),
            running: Vec::with_capacity(llm.max_requests as usize),
            free: llm.blocks,
            iterations: 0,
            preempted: 0,
            llm: Box::new(llm.clone()),
        }
    }

    pub fn llm(&self) -> &Llm {
        &self.llm
    }

    pub fn draws(&self) -> (&Stream, &Stream) {
        (&self.prompts, &self.outputs)
    }

    pub fn preemptions(&mut self) -> u64 {
        std::mem::take(&mut self.preempted)
    }

    /// Queues a request of so many tokens, cut to the context.
    pub fn enqueue(&mut self, job: Job, prompt: u32, output: u32) {
        let prompt = prompt.min(self.llm.context - 1);
        let output = output.min(self.llm.context - prompt);
        self.waiting.push_back(Request::new(job, prompt, output));
    }

    /// Decides what the next iteration computes, from `now` on; `None` if there is nothing to do.
    pub fn begin(&mut self, now: Nanos) -> Option<Cost> {
        let mut budget = self.llm.max_tokens;
        let preempted = self.preempted;
        let mut index = 0;
        while index < self.running.len() {
            let chunk = self.running[index].missing().min(budget);
            while !self.reserve(index, chunk) {
                self.send_back();
            }
            // It may have been the last one itself.
            if let Some(request) = self.running.get_mut(index) {
                request.chunk = chunk;
                budget -= chunk;
            }
            index += 1;
        }
        while preempted == self.preempted
            && budget > 0
            && self.running.len() < self.llm.max_requests as usize
            && let Some(next) = self.waiting.pop_front()
        {
            let chunk = next.missing().min(budget);
            self.running.push(next);
            let index = self.running.len() - 1;
            if !self.reserve(index, chunk) {
                self.waiting.extend(self.running.pop());
                self.waiting.rotate_right(1);
                break;
            }
            let request = &mut self.running[index];
            request.chunk = chunk;
            if request.started == NEVER {
                request.started = now;
            }
            budget -= chunk;
        }
        if self.running.is_empty() {
            return None;
        }
        self.iterations += 1;
        Some(cost(&self.llm.model, &self.llm.device, &self.step()))
    }

    /// Takes out the newest requests that wait in vain, so that at most `bound` are left to wait; none that
    /// has run before is among them.
    pub fn turn_away(&mut self, bound: usize) -> Vec<Job> {
        let mut away = Vec::new();
        while self.waiting.len() > bound
            && let Some(request) = self.waiting.pop_back_if(|last| last.started == NEVER)
        {
            away.push(request.job);
        }
        away.reverse();
        away
    }

    /// Takes out the requests that run, with what is cached of them.
    pub fn lose_running(&mut self) -> Vec<Job> {
        self.free += self
            .running
            .iter()
            .map(|request| request.blocks)
            .sum::<u64>();
        self.running.drain(..).map(|request| request.job).collect()
    }

    /// Takes out the requests that wait.
    pub fn lose_waiting(&mut self) -> Vec<Job> {
        self.waiting.drain(..).map(|request| request.job).collect()
    }

    /// Takes the blocks that a running request needs for its next tokens; whether there were enough, or
    /// the request is gone.
    fn reserve(&mut self, index: usize, chunk: u32) -> bool {
        let Some(request) = self.running.get_mut(index) else {
            return true;
        };
        let tokens = u64::from(request.cached) + u64::from(chunk);
        let more = tokens.div_ceil(u64::from(self.llm.block)) - request.blocks;
        if more > self.free {
            return false;
        }
        self.free -= more;
        request.blocks += more;
        true
    }

    /// The request that was admitted last goes back to the head of the queue.
    fn send_back(&mut self) {
        if let Some(mut request) = self.running.pop() {
            self.free += request.blocks;
            request.blocks = 0;
            request.cached = 0;
            request.chunk = 0;
            self.waiting.push_front(request);
            self.preempted += 1;
        }
    }

    fn step(&self) -> Step {
        let mut step = Step::default();
        for request in &self.running {
            let (chunk, cached) = (f64::from(request.chunk), f64::from(request.cached));
            step.tokens += u64::from(request.chunk);
            step.sampled += u64::from(request.chunk == request.missing());
            step.attended += chunk * cached + chunk * (chunk + 1.0) / 2.0;
            step.cached += if request.chunk > 0 {
                cached + chunk
            } else {
                0.0
            };
        }
        step
    }

    /// The iteration is over: request `index` has its tokens in the cache; whether it has a new one.
    pub fn advance(&mut self, index: usize) -> bool {
        let request = &mut self.running[index];
        let whole = request.chunk > 0 && request.chunk == request.missing();
        request.cached += request.chunk;
        request.chunk = 0;
        request.generated += u32::from(whole);
        whole
    }

    /// Takes out a request that has all its tokens and frees its blocks; the order of the others stays.
    pub fn finish(&mut self, index: usize) -> Request {
        let request = self.running.remove(index);
        self.free += request.blocks;
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Size;
    use crate::workload::llm::{Device, known};

    fn engine(max_requests: u32, max_tokens: u32, blocks: u64) -> Engine {
        let one = || Size::Sum {
            base: 1.0,
            per_item: 0.0,
            terms: Vec::new(),
        };
        let llm = Llm {
            model: known("llama-2-7b").expect("built in").model,
            device: Device {
                flops: 1.0,
                bytes: 1.0,
                launch: 0.0,
            },
            context: 32,
            prompt: one(),
            output: one(),
            max_requests,
            max_tokens,
            blocks,
            block: 16,
            first_token: None,
            between_tokens: None,
        };
        let key = DrawKey {
            seed: 1,
            replication: 0,
            guest: "g",
            ordinal: 0,
        };
        Engine::new(&llm, key)
    }

    fn job(index: u64) -> Job {
        Job {
            index,
            arrival: 0,
            user: 0,
            class: 0,
        }
    }

    /// (request, chunk) of what an iteration computed, and the requests that it completed.
    type Iteration = (Vec<(u64, u32)>, Vec<u64>);

    fn trace(engine: &mut Engine, iterations: usize) -> Vec<Iteration> {
        let mut all = Vec::new();
        for _ in 0..iterations {
            if engine.begin(0).is_none() {
                break;
            }
            let chunks = engine.running.iter().map(|r| (r.job.index, r.chunk));
            let chunks = chunks.collect();
            let mut ended = Vec::new();
            let mut index = 0;
            while index < engine.running.len() {
                engine.advance(index);
                let request = &engine.running[index];
                if request.generated == request.output {
                    ended.push(engine.finish(index).job.index);
                } else {
                    index += 1;
                }
            }
            all.push((chunks, ended));
        }
        all
    }

    #[test]
    fn prompts_go_in_chunks_beside_tokens() {
        let mut engine = engine(8, 10, 100);
        engine.enqueue(job(0), 4, 3);
        engine.enqueue(job(1), 12, 1);
        let found = trace(&mut engine, 9);
        // 0: prompt of 4, then two tokens; 1: 6 beside it, 6 more in the next and the answer.
        let wanted = vec![
            (vec![(0, 4), (1, 6)], vec![]),
            (vec![(0, 1), (1, 6)], vec![1]),
            (vec![(0, 1)], vec![0]),
        ];
        assert_eq!(found, wanted);
        assert_eq!(engine.free, 100);
    }

    #[test]
    fn no_more_requests_than_allowed_run_at_once() {
        let mut engine = engine(1, 100, 100);
        engine.enqueue(job(0), 3, 2);
        engine.enqueue(job(1), 5, 1);
        let wanted = vec![
            (vec![(0, 3)], vec![]),
            (vec![(0, 1)], vec![0]),
            (vec![(1, 5)], vec![1]),
        ];
        assert_eq!(trace(&mut engine, 9), wanted);
    }

    #[test]
    fn who_was_admitted_last_loses_its_cache() {
        // Two blocks of 16: both prompts fit, the 17th token of the first does not beside the second.
        let mut engine = engine(8, 100, 2);
        engine.enqueue(job(0), 15, 4);
        engine.enqueue(job(1), 10, 2);
        let wanted = vec![
            (vec![(0, 15), (1, 10)], vec![]),
            // 16 of the first, 11 of the second: it has its answer.
            (vec![(0, 1), (1, 1)], vec![1]),
            (vec![(0, 1)], vec![]),
            (vec![(0, 1)], vec![0]),
        ];
        assert_eq!(trace(&mut engine, 9), wanted);
        engine.enqueue(job(2), 16, 3);
        engine.enqueue(job(3), 10, 9);
        let wanted = vec![
            (vec![(2, 16), (3, 10)], vec![]),
            // The 17th token of 2: 3 goes back with one token generated.
            (vec![(2, 1)], vec![]),
            (vec![(2, 1)], vec![2]),
            (vec![(3, 11)], vec![]),
        ];
        assert_eq!(trace(&mut engine, 4), wanted);
        assert_eq!(engine.preemptions(), 1);
    }

    #[test]
    fn requests_are_cut_to_the_context() {
        let mut engine = engine(8, 100, 2);
        engine.enqueue(job(0), 30, 30);
        engine.enqueue(job(1), 40, 30);
        let cut: Vec<_> = engine
            .waiting
            .iter()
            .map(|r| (r.prompt, r.output))
            .collect();
        assert_eq!(cut, [(30, 2), (31, 1)]);
    }
}
