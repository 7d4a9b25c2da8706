// Functions of one float, a vector at a time: e^x and what is made of it. The same bits on every instruction set with fused
// multiply-add. NaN gives NaN, infinities give the limits, denormal results are kept.
#if defined(PLEXUS_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLEXUS_SIMD_MATH_INL_H_
#undef PLEXUS_SIMD_MATH_INL_H_
#else
#define PLEXUS_SIMD_MATH_INL_H_
#endif

#include "plexus/backends/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {

// ln 2 in two parts; the first has 9 bits, so that its product with a small integer is exact.
constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
constexpr float log2_e = 1.44269504088896341f;

HWY_INLINE V select(Mask m, V yes, V no) { return hn::IfThenElse(m, yes, no); }
HWY_INLINE V add(V a, V b) { return hn::Add(a, b); }
HWY_INLINE V sub(V a, V b) { return hn::Sub(a, b); }
HWY_INLINE V mul(V a, V b) { return hn::Mul(a, b); }
HWY_INLINE V fma(V a, V b, V c) { return hn::MulAdd(a, b, c); }          ///< a b + c
HWY_INLINE V fnma(V a, V b, V c) { return hn::NegMulAdd(a, b, c); }      ///< c - a b

/// NaN passes all three. On x86 the minimum of two numbers is the second one if either is NaN, or both are zeros; Highway's Min and Max
/// differ in that between instruction sets.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
HWY_INLINE V at_most(V x, float limit) { return hn::Min(set(limit), x); }
HWY_INLINE V at_least(V x, float limit) { return hn::Max(set(limit), x); }
HWY_INLINE V positive_part(V x) { return hn::Max(zero(), x); }
#else
HWY_INLINE V at_most(V x, float limit) { return select(hn::Gt(x, set(limit)), set(limit), x); }
HWY_INLINE V at_least(V x, float limit) { return select(hn::Lt(x, set(limit)), set(limit), x); }
HWY_INLINE V positive_part(V x) { return hn::IfThenZeroElse(hn::Lt(x, zero()), x); }
#endif

/// Of dy, and y that relu left: selected, not multiplied by 0 or 1, since an infinite dy times 0 would be NaN.
HWY_INLINE V relu_gradient(V dy, V y) { return select(hn::Gt(y, zero()), dy, positive_part(y)); }

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule for x^2 and pairs of terms: half as many steps that wait for each other as for x.
template <int n>
HWY_INLINE V polynomial(V x, const float (&c)[n]) {
  constexpr int last = (n - 1) / 2 * 2;
  const V square = mul(x, x);
  V sum = set(c[last]);
  if constexpr (n % 2 == 0) sum = fma(set(c[last + 1]), x, sum);
  PLEXUS_UNROLL for (int i = last - 2; i >= 0; i -= 2) sum = fma(sum, square, fma(set(c[i + 1]), x, set(c[i])));
  return sum;
}

/// Added to a number below 2^22, it leaves the nearest whole number in the last bits of the sum: between 2^23 and 2^24 floats are whole.
constexpr float shifter = 0x1.8p23f;

/// n + shifter, for the whole number n nearest to x / ln 2.
HWY_INLINE V shifted_exponent(V x) { return fma(x, set(log2_e), set(shifter)); }

/// 2^(n + shift), a normal number, for n in the last nine bits.
template <int shift = 0>
HWY_INLINE V power_of_two(hn::Vec<I> n) {
  return hn::BitCast(F(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(I(), 127 + shift))));
}

/// e^(x - n ln 2) - 1, of n + shifter.
HWY_INLINE V expm1_reduced(V x, V shifted) {
  const V n = sub(shifted, set(shifter)), r = fnma(n, set(ln2_low), fnma(n, set(ln2_high), x)), square = mul(r, r);
  // r + r^2 p(r): of all p of degree 4 the one with the least error relative to e^r for |r| <= ln 2 / 2, 2^-28.2 (Remez' exchange).
  return fma(square, polynomial(r, {0.49999994f, 0.16666521f, 0.041668266f, 0.008368689f, 0.0013821092f}), r);
}

/// e^x, within 2 ulp.
HWY_INLINE V exp(V x) {
  // Beyond these limits the result is infinite or 0 all the same.
  const V limited = at_least(at_most(x, 89), -128), shifted = shifted_exponent(limited), y = add(expm1_reduced(limited, shifted), set(1));
  // 2^n in two factors: it may be beyond float where the result is not.
  const hn::Vec<I> n = hn::Sub(hn::BitCast(I(), shifted), hn::BitCast(I(), set(shifter))), half = hn::ShiftRight<1>(n);
  return mul(mul(y, power_of_two(half)), power_of_two(hn::Sub(n, half)));
}

/// e^x - 1 for x <= 0, within 3 ulp.
HWY_INLINE V expm1_negative(V x) {
  const V limited = at_least(x, -30), shifted = shifted_exponent(limited);  // e^-30 is nothing beside 1
  const V scale = power_of_two(hn::BitCast(I(), shifted));
  return fma(scale, expm1_reduced(limited, shifted), sub(scale, set(1)));
}

/// Small probabilities are carried times 2^56, so that denormal ones keep their digits until they are multiplied with
/// something large.
constexpr int wide_shift = 56;
constexpr float wide_unit = 0x1p-56f;

/// e^x for x <= 0, wide: within 2 ulp, and 0 below 2^-180.
HWY_INLINE V wide_exp(V x) {
  const V shifted = shifted_exponent(x), y = add(expm1_reduced(x, shifted), set(1));
  return hn::IfThenZeroElse(hn::Lt(x, set(-125)), mul(y, power_of_two<wide_shift>(hn::BitCast(I(), shifted))));
}

/// ln(1 + f) + k ln 2 for 1 + f between sqrt(1/2) and sqrt(2): with s = f / (2 + f) the series 2 atanh(s) = 2s + 2s^3/3 + ...,
/// arranged so that f itself is not rounded.
HWY_INLINE V log_reduced(V f, V k) {
  const V s = hn::Div(f, add(f, set(2))), z = mul(s, s);
  // The first term left out is 2 z^5 / 11 of s: less than 2^-27.
  const V rest = mul(z, polynomial(z, {2 / 3.f, 2 / 5.f, 2 / 7.f, 2 / 9.f}));
  const V half_square = mul(mul(set(0.5f), f), f);
  const V correction = fma(s, add(half_square, rest), mul(k, set(ln2_low)));
  return fma(k, set(ln2_high), sub(f, sub(half_square, correction)));
}

/// ln(1 + x) for 0 <= x <= 1, within 2 ulp.
HWY_INLINE V log1p_unit(V x) {
  const Mask upper = hn::Gt(x, set(0.41421356f));  // 1 + x above sqrt(2): halved
  const V f = select(upper, mul(sub(x, set(1)), set(0.5f)), x);
  return log_reduced(f, select(upper, set(1), zero()));
}

/// ln(1 + x) for x >= 0, within 2 ulp.
HWY_INLINE V log1p(V x) {
  const V w = add(x, set(1));
  // w = 2^k m with m in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2) carries into the exponent at sqrt(2).
  const hn::Vec<I> bits = hn::BitCast(I(), w), sqrt_half = hn::Set(I(), 0x3f3504f3);
  const hn::Vec<I> k = hn::ShiftRight<23>(hn::Sub(bits, sqrt_half));
  const V m = hn::BitCast(F(), hn::Sub(bits, hn::ShiftLeft<23>(k)));
  const V large = log_reduced(sub(m, set(1)), hn::ConvertTo(F(), k));
  const V finite = select(hn::Gt(x, set(1)), large, log1p_unit(x));
  return select(hn::Eq(x, set(std::numeric_limits<float>::infinity())), x, finite);
}

/// x times a factor that vanishes faster than x grows: 0 in the limit, at infinity as well.
HWY_INLINE V damped(V x, V factor) { return select(hn::Eq(factor, zero()), zero(), mul(x, factor)); }

/// a times what was carried wide. The wide number first where it is small, and nothing can overflow.
HWY_INLINE V times_wide(V a, V wide) {
  const V unit = set(wide_unit);
  return select(hn::Lt(hn::Abs(wide), set(0x1p-60f)), mul(mul(a, wide), unit), mul(a, mul(wide, unit)));
}

/// 1 / (1 + e^-|x|), of the exponential, which is wide.
HWY_INLINE V sigmoid_of_size(V wide) { return hn::Div(set(1), fma(wide, set(wide_unit), set(1))); }

/// 1 / (1 + e^-x) and its slope, both wide, from one exponential that cannot overflow.
struct Sigmoid {
  V value, slope;
};
HWY_INLINE Sigmoid wide_sigmoid(V x) {
  const V wide = wide_exp(hn::Neg(hn::Abs(x)));
  const V inverse = sigmoid_of_size(wide);
  const V small = mul(wide, inverse);
  return {select(hn::Lt(x, zero()), small, mul(inverse, set(1 / wide_unit))), mul(small, inverse)};
}
HWY_INLINE V sigmoid(V x) {
  const V wide = wide_exp(hn::Neg(hn::Abs(x))), inverse = sigmoid_of_size(wide);
  return select(hn::Lt(x, zero()), mul(mul(wide, inverse), set(wide_unit)), inverse);
}

/// x / (1 + e^-u), where u has the sign of x and |u| >= |x|. Below -128 the factor is 0, by which -inf must not be multiplied.
HWY_INLINE V times_sigmoid(V x, V u) {
  const V wide = wide_exp(hn::Neg(hn::Abs(u))), inverse = sigmoid_of_size(wide);
  const V negative = mul(mul(at_least(x, -128), mul(wide, inverse)), set(wide_unit));
  return select(hn::Lt(x, zero()), negative, mul(x, inverse));
}

/// Within 4 ulp: -t / (2 + t) with t = e^-2|x| - 1.
HWY_INLINE V tanh(V x) {
  const V t = expm1_negative(mul(hn::Abs(x), set(-2)));
  return hn::CopySign(hn::Div(t, add(t, set(2))), x);
}

/// ln(1 + e^x), within 4 ulp.
HWY_INLINE V softplus(V x) { return add(positive_part(x), log1p_unit(mul(wide_exp(hn::Neg(hn::Abs(x))), set(wide_unit)))); }

/// The standard normal distribution: probability of less than x, and density at x.
struct Normal {
  V below, density;
};
HWY_INLINE Normal normal(V x) {
  const V distance = at_most(hn::Abs(x), 15), square = mul(distance, distance);
  // e^(-x^2/2), with the rounding error of the square put right.
  const V lost = hn::MulSub(distance, distance, square);
  const V bell = mul(wide_exp(mul(square, set(-0.5f))), set(wide_unit));
  const V gauss = fma(mul(bell, lost), set(-0.5f), bell);

  // Near 0 the series of the error function: 1/2 + x / sqrt(2 pi) (1 - x^2 / (2 1! 3) + x^4 / (4 2! 5) - ...). At 1.25 the first
  // term left out is less than 2^-29. Where both parts nearly cancel, 1/2 + t is exact, and the rounding error of t is made good.
  constexpr float inverse_sqrt_2pi = 0.398942280401432678f, inverse_sqrt_2pi_rest = -1.13351701e-08f, series_end = 1.25f;
  const V t = mul(x, set(inverse_sqrt_2pi)), lost_of_t = hn::MulSub(x, set(inverse_sqrt_2pi), t);
  const V series = polynomial(square, {-1 / 6.f, 1 / 40.f, -1 / 336.f, 1 / 3456.f, -1 / 42240.f, 1 / 599040.f,
                              -1 / 9676800.f, 1 / 175472640.f, -1 / 3530096640.f});
  const V start = add(add(set(0.5f), t), fma(x, set(inverse_sqrt_2pi_rest), lost_of_t));
  const V near = fma(t, mul(square, series), start);

  // Far from 0 the tail e^(-x^2/2) r(|x|). r as a polynomial in 1 / (1 + 0.35 |x|): of those of degree 9 without constant
  // term the one with the least relative error on [0, 14.5], 3.2e-8 (Remez' exchange).
  const V k = hn::Div(set(1), fma(distance, set(0.35f), set(1)));
  const V r = mul(k, polynomial(k, {0.139621306956f, 0.139863513219f, 0.119821305444f, 0.105552425868f, -0.0232121590281f,
                                0.159319393801f, -0.255838724305f, 0.144030777265f, -0.0291578552061f}));
  const V tail = mul(gauss, r), far = select(hn::Lt(x, zero()), tail, sub(set(1), tail));
  return {select(hn::Gt(distance, set(series_end)), far, near), mul(gauss, set(inverse_sqrt_2pi))};
}

}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
