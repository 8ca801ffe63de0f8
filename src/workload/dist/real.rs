//! A float whose mathematics is always that of the pinned `libm`.
//!
//! The samplers of `rand_distr` take ln, exp and pow from `num_traits::Float`. For `f64` that is
//! `libm` only until any crate in the graph enables `num-traits/std` (drawing crates do), and then
//! it is the platform's library, whose last bits differ between systems. [`Real`] brings its own
//! `Float`, so features of other crates cannot reach it.

use crate::engine::random::Draws;
use crate::stats::normal::normal_quantile;
use num_traits::{Float, FloatConst, Num, NumCast, One, ToPrimitive, Zero};
use rand::Rng;
use rand::distr::{Distribution, Open01, OpenClosed01, StandardUniform};
use rand_distr::{Exp1, StandardNormal};
use std::num::FpCategory;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// An `f64` for use as the number type of `rand_distr`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Real(pub f64);

macro_rules! operator {
    ($($name:ident $method:ident $op:tt),*) => {$(
        impl $name for Real {
            type Output = Real;
            #[inline]
            fn $method(self, other: Real) -> Real {
                Real(self.0 $op other.0)
            }
        }
    )*};
}
operator!(Add add +, Sub sub -, Mul mul *, Div div /);

impl Rem for Real {
    type Output = Real;
    fn rem(self, other: Real) -> Real {
        Real(libm::fmod(self.0, other.0))
    }
}

impl Neg for Real {
    type Output = Real;
    #[inline]
    fn neg(self) -> Real {
        Real(-self.0)
    }
}

impl Zero for Real {
    #[inline]
    fn zero() -> Real {
        Real(0.0)
    }
    fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl One for Real {
    #[inline]
    fn one() -> Real {
        Real(1.0)
    }
}

impl Num for Real {
    type FromStrRadixErr = <f64 as Num>::FromStrRadixErr;
    fn from_str_radix(text: &str, radix: u32) -> Result<Real, Self::FromStrRadixErr> {
        f64::from_str_radix(text, radix).map(Real)
    }
}

impl ToPrimitive for Real {
    fn to_i64(&self) -> Option<i64> {
        self.0.to_i64()
    }
    fn to_u64(&self) -> Option<u64> {
        self.0.to_u64()
    }
    fn to_f64(&self) -> Option<f64> {
        Some(self.0)
    }
}

impl NumCast for Real {
    #[inline]
    fn from<T: ToPrimitive>(n: T) -> Option<Real> {
        n.to_f64().map(Real)
    }
}

/// Methods that IEEE 754 defines exactly, or that only look at bits.
macro_rules! exact {
    ($($method:ident($($arg:ident),*) -> $out:ty = $value:expr;)*) => {$(
        #[inline]
        fn $method(self $(, $arg: Real)*) -> $out {
            let f: fn(f64 $(, operand!($arg))*) -> _ = $value;
            f(self.0 $(, $arg.0)*).into()
        }
    )*};
}
macro_rules! operand {
    ($arg:ident) => {
        f64
    };
}

impl From<f64> for Real {
    #[inline]
    fn from(value: f64) -> Real {
        Real(value)
    }
}

impl Float for Real {
    fn nan() -> Real {
        Real(f64::NAN)
    }
    fn infinity() -> Real {
        Real(f64::INFINITY)
    }
    fn neg_infinity() -> Real {
        Real(f64::NEG_INFINITY)
    }
    fn neg_zero() -> Real {
        Real(-0.0)
    }
    fn min_value() -> Real {
        Real(f64::MIN)
    }
    fn min_positive_value() -> Real {
        Real(f64::MIN_POSITIVE)
    }
    fn epsilon() -> Real {
        Real(f64::EPSILON)
    }
    fn max_value() -> Real {
        Real(f64::MAX)
    }
    fn classify(self) -> FpCategory {
        self.0.classify()
    }
    fn integer_decode(self) -> (u64, i16, i8) {
        self.0.integer_decode()
    }

    exact! {
        is_nan() -> bool = f64::is_nan;
        is_infinite() -> bool = f64::is_infinite;
        is_finite() -> bool = f64::is_finite;
        is_normal() -> bool = f64::is_normal;
        is_sign_positive() -> bool = f64::is_sign_positive;
        is_sign_negative() -> bool = f64::is_sign_negative;
        floor() -> Real = libm::floor;
        ceil() -> Real = libm::ceil;
        round() -> Real = libm::round;
        trunc() -> Real = libm::trunc;
        fract() -> Real = |x| x - libm::trunc(x);
        abs() -> Real = libm::fabs;
        signum() -> Real = f64::signum;
        recip() -> Real = |x| 1.0 / x;
        sqrt() -> Real = libm::sqrt;
        max(other) -> Real = libm::fmax;
        min(other) -> Real = libm::fmin;
        abs_sub(other) -> Real = libm::fdim;
        mul_add(a, b) -> Real = libm::fma;

        // From here on: approximations, hence pinned.
        powf(n) -> Real = libm::pow;
        exp() -> Real = libm::exp;
        exp2() -> Real = libm::exp2;
        exp_m1() -> Real = libm::expm1;
        ln() -> Real = libm::log;
        ln_1p() -> Real = libm::log1p;
        log(base) -> Real = |x, base| libm::log(x) / libm::log(base);
        log2() -> Real = libm::log2;
        log10() -> Real = libm::log10;
        cbrt() -> Real = libm::cbrt;
        hypot(other) -> Real = libm::hypot;
        sin() -> Real = libm::sin;
        cos() -> Real = libm::cos;
        tan() -> Real = libm::tan;
        asin() -> Real = libm::asin;
        acos() -> Real = libm::acos;
        atan() -> Real = libm::atan;
        atan2(other) -> Real = libm::atan2;
        sinh() -> Real = libm::sinh;
        cosh() -> Real = libm::cosh;
        tanh() -> Real = libm::tanh;
        asinh() -> Real = libm::asinh;
        acosh() -> Real = libm::acosh;
        atanh() -> Real = libm::atanh;
    }

    fn powi(self, n: i32) -> Real {
        Real(libm::pow(self.0, n as f64))
    }
    fn sin_cos(self) -> (Real, Real) {
        let (sin, cos) = libm::sincos(self.0);
        (Real(sin), Real(cos))
    }
}

macro_rules! constants {
    ($($name:ident)*) => {
        impl FloatConst for Real {
            $(fn $name() -> Real {
                Real(std::f64::consts::$name)
            })*
        }
    };
}
constants!(E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6
           FRAC_PI_8 LN_10 LN_2 LOG10_E LOG2_E PI SQRT_2);

/// (k + 1/2) · 2⁻⁵² from one 64-bit word, as [`Draws::uniform`].
#[inline]
fn open_unit<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    Draws::uniform_of_word(rng.next_u64())
}

impl Distribution<Real> for Open01 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Real {
        Real(open_unit(rng))
    }
}

/// The midpoints lie in (0, 1), so they serve here too.
impl Distribution<Real> for StandardUniform {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Real {
        Real(open_unit(rng))
    }
}

/// Likewise.
impl Distribution<Real> for OpenClosed01 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Real {
        Real(open_unit(rng))
    }
}

/// By inversion: one word for each variate, decreasing in u.
impl Distribution<Real> for Exp1 {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Real {
        Real(-libm::log(open_unit(rng)))
    }
}

/// By inversion: one word for each variate, increasing in u.
impl Distribution<Real> for StandardNormal {
    #[inline]
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Real {
        Real(normal_quantile(open_unit(rng)))
    }
}
