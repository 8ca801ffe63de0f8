//! How fast GPU work that is given by its time runs on another board than the one that its time is for.

use crate::scenario::key::units::trimmed;
use crate::scenario::read::raw_workload::RawPrecision;

/// What the speed of GPU work depends on; `None` = unknown.
#[derive(Clone, Copy)]
pub(crate) struct Speed {
    pub fp32_tflops: Option<f64>,
    pub fp16_tensor_tflops: Option<f64>,
    pub memory_gb_s: Option<f64>,
}

/// Work that is given by its time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Timed {
    pub memory_bound: f64,
    /// Which peak of the boards its arithmetic goes by; `None` = FP32.
    pub precision: Option<RawPrecision>,
}

/// How fast work runs on `own`, relative to the reference board that its time is for.
///
/// Time on `own` is that on the reference times (1 − m) / (ratio of peak arithmetic) + m / (bandwidth
/// ratio), with m the memory-bound part.
pub(crate) fn relative_speed(
    own: Speed,
    reference: Speed,
    work: &Timed,
) -> Result<f64, &'static str> {
    let (fact, ours, theirs) = match work.precision {
        Some(RawPrecision::Fp16Tensor) => (
            "fp16_tensor_tflops",
            own.fp16_tensor_tflops,
            reference.fp16_tensor_tflops,
        ),
        _ => ("fp32_tflops", own.fp32_tflops, reference.fp32_tflops),
    };
    let compute = part(1.0 - work.memory_bound, ours, theirs);
    let memory = part(work.memory_bound, own.memory_gb_s, reference.memory_gb_s);
    Ok(1.0 / (compute.ok_or(fact)? + memory.ok_or("memory_bandwidth")?))
}

fn part(weight: f64, own: Option<f64>, reference: Option<f64>) -> Option<f64> {
    if weight == 0.0 {
        return Some(0.0); // an unknown figure that does not count is no obstacle
    }
    Some(weight / (own? / reference?))
}

/// `1.25` for reports.
pub(crate) fn write_speed(speed: f64) -> String {
    trimmed(speed, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_weighs_compute_and_bandwidth_on_time() {
        let speed = |fp32, gb_s| Speed {
            fp32_tflops: fp32,
            fp16_tensor_tflops: None,
            memory_gb_s: gb_s,
        };
        let (slow, fast) = (
            speed(Some(10.0), Some(1000.0)),
            speed(Some(40.0), Some(2000.0)),
        );
        let work = |memory_bound| Timed {
            memory_bound,
            precision: None,
        };
        assert_eq!(relative_speed(fast, slow, &work(0.0)), Ok(4.0));
        assert_eq!(relative_speed(fast, slow, &work(1.0)), Ok(2.0));
        assert_eq!(relative_speed(fast, slow, &work(0.5)), Ok(1.0 / 0.375));
        let half_known = speed(None, Some(1000.0));
        assert_eq!(relative_speed(half_known, slow, &work(1.0)), Ok(1.0));
        let half = relative_speed(half_known, slow, &work(0.5));
        assert_eq!(half, Err("fp32_tflops"));
        let tensor = |tflops| Speed {
            fp16_tensor_tflops: Some(tflops),
            ..slow
        };
        let work = Timed {
            precision: Some(RawPrecision::Fp16Tensor),
            ..work(0.0)
        };
        let found = relative_speed(tensor(150.0), tensor(300.0), &work);
        assert_eq!(found, Ok(0.5));
        assert_eq!(relative_speed(slow, slow, &work), Err("fp16_tensor_tflops"));
    }
}
