//! How fast GPU work runs on part of a board: the laws of rates.
//!
//! Work is measured by the time that it takes alone on a whole board. On `k` SMs and a part `b` of
//! the board's memory bandwidth it takes longer by
//!
//! ```text
//! stretch = (1 - m) · c(k) / clock + m / b
//! ```
//!
//! where `m` is its memory-bound share and `c(k)` the stretch of its compute part: `n / k` for work
//! that can fill `n` SMs (never below 1), or the ratio of waves for a grid of blocks. In words: a
//! slice stretches work by a factor between its SM ratio and its memory ratio.
//!
//! Few SMs cannot draw all of the bandwidth: under an SM limit, or in a compute instance, with `k` of
//! the `n` SMs that it can fill, work draws at most `r · k / n` of it, so that `b` above is the smaller of
//! the two. With a *reach* `r` of 2, half of the SMs draw all of the bandwidth.
//!
//! Under the roofline (Williams, Waterman & Patterson, *Communications of the ACM* 52 (4), 2009)
//! arithmetic and memory traffic go on side by side and the longer of them is the time:
//!
//! ```text
//! stretch = max(a · c(k) / clock, m / b)
//! ```
//!
//! with `a` and `m` the parts of the time alone on the whole board that arithmetic and traffic take;
//! the larger of them is 1. On matrix products it is off by 4 to 5 % (median; GEMM in
//! `docs/measurements.md`).
//!
//! Sources: the reach is that of decode steps of LLaMA 7B under SM limits on an A100, which stream
//! weights and cache from memory (MuxServe, <https://github.com/hao-ai-lab/MuxServe>): 2 describes
//! their latencies at 30 to 90 % of the SMs with a mean error of 8.5 % and predicts those of 13B with
//! 8.7 %; without a reach the errors are 13.6 and 14.6 %.
//! MIGPerf on an A100 (<https://github.com/MLSysOps/MIGProfiler>): in the saturated range
//! the slow-down of a MIG slice lies between the SM ratio and the memory ratio. With the memory-bound
//! share that other workloads give (0.40 to 0.50) the law predicts 162 saturated rows on 1g to 3g with
//! a mean error of 4.9 %, with share 0 of 6.8 %. Under MPS, 288 latencies against the SM share come
//! out within 5.7 % on average (HAS-GPU, V100). `docs/measurements.md` has all sets, the misses too;
//! `warpshare calibrate` fits the numbers of a workload.

pub use crate::policy::spatial::max_min_level;
pub use crate::workload::Grid;

/// The reach that the measurements give; see the module.
pub const REACH: f64 = 2.0;

/// What the speed of an operation depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// SMs of the board that it can fill.
    pub need: u32,
    /// Part of its time alone on the whole board that memory bandwidth limits, 0 to 1.
    pub memory_bound: f64,
    /// How many times its part of the SMs it can draw of the memory bandwidth, at least 1; `None` = all
    /// of it, however few SMs.
    pub reach: Option<f64>,
    pub compute: Compute,
}

/// How the compute part of an operation adds to its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compute {
    /// After the memory-bound part, in proportion to the SMs.
    Proportional,
    /// After the memory-bound part, in whole waves of blocks.
    Waves(Grid),
    /// Beside the memory traffic, in proportion to the SMs: the part of the time alone on the whole
    /// board that arithmetic takes, above 0 and at most 1. One of this and the memory-bound part is 1.
    Beside(f64),
}

impl Shape {
    /// Work that compute alone limits and that fills `need` SMs.
    pub fn compute(need: u32) -> Self {
        Shape {
            need,
            memory_bound: 0.0,
            reach: None,
            compute: Compute::Proportional,
        }
    }

    /// Whether SMs alone decide how fast it is, in proportion.
    pub fn is_plain(&self) -> bool {
        self.memory_bound == 0.0 && self.compute == Compute::Proportional
    }

    /// Stretch of the compute part on `sms` SMs, at least 1.
    pub fn compute_stretch(&self, sms: f64) -> f64 {
        match self.compute {
            Compute::Waves(grid) => grid.waves(sms) / grid.waves(f64::from(self.need)),
            _ => (f64::from(self.need) / sms).max(1.0),
        }
    }

    /// Time on `sms` SMs and `bandwidth` (part of the board's) over time alone on the whole board.
    /// `clock` is the SM clock relative to that of the whole board when it is busy.
    pub fn stretch(&self, sms: f64, bandwidth: f64, clock: f64) -> f64 {
        let compute = self.compute_stretch(sms) / clock;
        let drawn = match self.reach {
            Some(reach) => bandwidth.min(reach * sms / f64::from(self.need)),
            None => bandwidth,
        };
        let memory = self.memory_bound / drawn;
        match self.compute {
            Compute::Beside(part) => (part * compute).max(memory),
            _ => (1.0 - self.memory_bound) * compute + memory,
        }
    }
}

/// SM clock by part of the SMs that are busy, relative to a board whose SMs are all busy: fewer busy
/// SMs draw less power and run faster. Linear between its points, flat outside.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockCurve {
    /// (part of the SMs, relative clock) by increasing part.
    points: Vec<(f64, f64)>,
}

impl ClockCurve {
    /// A curve through `points`; `None` unless there is one at least, parts increase strictly within
    /// 0 to 1, and clocks are positive and finite.
    pub fn new(points: Vec<(f64, f64)>) -> Option<Self> {
        let increasing = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let fine = points
            .iter()
            .all(|&(part, clock)| (0.0..=1.0).contains(&part) && clock > 0.0 && clock.is_finite());
        (!points.is_empty() && increasing && fine).then_some(ClockCurve { points })
    }

    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Relative clock with this part of the SMs busy.
    pub fn at(&self, part: f64) -> f64 {
        let above = self.points.partition_point(|&(known, _)| known < part);
        match (
            self.points.get(above.wrapping_sub(1)),
            self.points.get(above),
        ) {
            (Some(&(low, from)), Some(&(high, to))) => {
                from + (to - from) * (part - low) / (high - low)
            }
            (Some(&(_, clock)), None) | (None, Some(&(_, clock))) => clock,
            (None, None) => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn a_slice_stretches_between_its_sm_ratio_and_its_memory_ratio() {
        // 1g of an A100: 14 of 98 SMs, one eighth of the memory.
        let shape = |memory_bound| Shape {
            memory_bound,
            ..Shape::compute(98)
        };
        close(shape(0.0).stretch(14.0, 0.125, 1.0), 7.0);
        close(shape(1.0).stretch(14.0, 0.125, 1.0), 8.0);
        close(shape(0.25).stretch(14.0, 0.125, 1.0), 7.25);
        // Small work does not feel the slice until it cannot fill it.
        close(Shape::compute(10).stretch(14.0, 0.125, 1.0), 1.0);
        close(Shape::compute(28).stretch(14.0, 0.125, 1.25), 1.6);
    }

    #[test]
    fn few_sms_do_not_draw_all_of_the_bandwidth() {
        let shape = |memory_bound| Shape {
            memory_bound,
            reach: Some(2.0),
            ..Shape::compute(100)
        };
        for (sms, stretch) in [(100.0, 1.0), (50.0, 1.0), (25.0, 2.0), (10.0, 5.0)] {
            close(shape(1.0).stretch(sms, 1.0, 1.0), stretch);
        }
        close(shape(0.4).stretch(25.0, 1.0, 1.0), 0.6 * 4.0 + 0.4 * 2.0);
        // A slice of 1/7 of the SMs could draw 2/7 of the bandwidth, but has 1/8.
        close(shape(1.0).stretch(100.0 / 7.0, 0.125, 1.0), 8.0);
        // Work that fills few SMs draws with these what it always does.
        let small = Shape {
            need: 10,
            ..shape(1.0)
        };
        close(small.stretch(10.0, 1.0, 1.0), 1.0);
        close(small.stretch(2.5, 1.0, 1.0), 2.0);
    }

    #[test]
    fn a_grid_runs_in_whole_waves() {
        let grid = Grid {
            blocks: 100,
            blocks_per_sm: 2,
        };
        assert_eq!(grid.need(), 50);
        let shape = Shape {
            compute: Compute::Waves(grid),
            ..Shape::compute(50)
        };
        for (sms, waves) in [
            (50.0, 1.0),
            (49.0, 2.0),
            (25.0, 2.0),
            (24.0, 3.0),
            (1.0, 50.0),
        ] {
            close(shape.compute_stretch(sms), waves);
        }
    }

    #[test]
    fn a_roofline_stretches_by_whichever_roof_is_reached() {
        // Traffic takes all of the time, arithmetic half of it.
        let shape = Shape {
            memory_bound: 1.0,
            compute: Compute::Beside(0.5),
            ..Shape::compute(98)
        };
        close(shape.stretch(98.0, 1.0, 1.0), 1.0);
        // Half of the SMs do not matter; a quarter of them takes as long as twice the traffic.
        close(shape.stretch(49.0, 1.0, 1.0), 1.0);
        close(shape.stretch(24.5, 0.5, 1.0), 2.0);
        close(shape.stretch(14.0, 0.5, 1.0), 3.5);
        close(shape.stretch(14.0, 0.125, 1.0), 8.0);
        // Arithmetic takes all of the time, traffic a tenth.
        let shape = Shape {
            memory_bound: 0.1,
            compute: Compute::Beside(1.0),
            ..Shape::compute(98)
        };
        close(shape.stretch(14.0, 0.125, 1.0), 7.0);
        close(shape.stretch(98.0, 0.05, 1.0), 2.0);
        close(shape.stretch(49.0, 1.0, 1.25), 1.6);
    }

    /// Case V40 of docs/validation.md: capacity 10, demands 2, 2.6, 4, 5 -> 2, 2.6, 2.7, 2.7.
    #[test]
    fn water_filling() {
        close(max_min_level(10.0, &[2.0, 2.6, 4.0, 5.0]), 2.7);
        assert_eq!(max_min_level(10.0, &[2.0, 3.0]), f64::INFINITY);
        close(max_min_level(1.0, &[0.9, 0.9, 0.9]), 1.0 / 3.0);
        close(max_min_level(1.0, &[0.1, 0.9, 0.9]), 0.45);
    }

    #[test]
    fn a_clock_curve_is_linear_between_its_points() {
        let curve = ClockCurve::new(vec![(0.3, 1.27), (0.5, 1.22), (1.0, 1.0)]).unwrap();
        close(curve.at(0.1), 1.27);
        close(curve.at(0.5), 1.22);
        close(curve.at(0.75), 1.11);
        close(curve.at(1.0), 1.0);
        assert!(ClockCurve::new(vec![(0.5, 1.0), (0.5, 1.1)]).is_none());
        assert!(ClockCurve::new(Vec::new()).is_none());
        assert!(ClockCurve::new(vec![(0.5, f64::NAN)]).is_none());
    }
}
