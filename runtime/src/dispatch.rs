//! Chooses at run time the vector instructions for a function.
//!
//! A program built for every x86-64 processor may use neither AVX2 nor the fused multiply-add:
//! without `dispatch`, each multiply-add of [`Fused`](crate::fma::Fused) would be a call into the C
//! library. A function written inside `vectorised!` is therefore compiled twice from one body, and
//! the second version runs on processors with both. The bits are the same: the library's
//! multiply-add is fused too, and neither version reorders a sum. If the build targets these
//! instructions anyway, or has no `std`, there is one version only. A body with a type parameter
//! gets the [`Vector`](crate::simd::Vector) for its instructions.

/// Defines a function that is also compiled for AVX2 with fused multiply-add.
///
/// The body and its callees must be inlined (`#[inline(always)]`): a function that is not keeps the
/// instructions it was compiled for.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$vector:ident>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body $(<$vector: crate::simd::Vector>)? ($($argument: $type),*) $(-> $result)? $body

            #[cfg(all(target_arch = "x86_64", target_feature = "avx2", target_feature = "fma"))]
            {
                body $(::<crate::dispatch::best!($vector)>)? ($($argument),*)
            }

            #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2", target_feature = "fma")))]
            {
                #[cfg(all(feature = "std", target_arch = "x86_64"))]
                if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                    #[target_feature(enable = "avx2,fma")]
                    fn vector($($argument: $type),*) $(-> $result)? {
                        body $(::<crate::dispatch::best!($vector)>)? ($($argument),*)
                    }
                    #[expect(unsafe_code, reason = "the compiler cannot see what the processor was found to have")]
                    // SAFETY: the processor was just found to have both features.
                    return unsafe { vector($($argument),*) };
                }
                body $(::<crate::dispatch::plain!($vector)>)? ($($argument),*)
            }
        }
    };
}
pub(crate) use vectorised;

/// The vectors of a body compiled for AVX2 and FMA.
#[cfg(all(
    target_arch = "x86_64",
    any(feature = "std", all(target_feature = "avx2", target_feature = "fma"))
))]
macro_rules! best {
    ($vector:ident) => {
        crate::simd::avx2::Avx2
    };
}
#[cfg(all(
    target_arch = "x86_64",
    any(feature = "std", all(target_feature = "avx2", target_feature = "fma"))
))]
pub(crate) use best;

/// The vectors of every other body.
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
macro_rules! plain {
    ($vector:ident) => {
        crate::simd::Plain
    };
}
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
pub(crate) use plain;
