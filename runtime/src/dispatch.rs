//! Chooses, when the program runs, the vector instructions that a function is compiled for.
//!
//! A program built for every x86-64 processor may use neither AVX2 nor the fused multiply-add: without `dispatch`, each
//! multiply-add of [`Fused`](crate::fma::Fused) would be a call into the C library. A function written inside
//! `vectorised!` is therefore compiled twice from the one body, and the second one is taken where the processor has
//! both. The bits are the same: fused is fused in the library too, and neither body reorders a sum. Where the build
//! asks for the instructions anyway, or has no `std`, there is the one body alone.

/// Defines a public function whose body is also compiled for AVX2 with fused multiply-add.
///
/// The body, and what it calls, has to be inlined (`#[inline(always)]`): a function that is not keeps the
/// instructions that it was compiled for.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        pub fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        #[inline]
        pub fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body($($argument: $type),*) $(-> $result)? $body

            #[cfg(all(
                feature = "std",
                target_arch = "x86_64",
                not(all(target_feature = "avx2", target_feature = "fma"))
            ))]
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                #[target_feature(enable = "avx2,fma")]
                fn vector($($argument: $type),*) $(-> $result)? {
                    body($($argument),*)
                }
                #[expect(unsafe_code, reason = "the compiler cannot see what the processor was found to have")]
                // SAFETY: the processor has just been found to have both features.
                return unsafe { vector($($argument),*) };
            }
            body($($argument),*)
        }
    };
}
pub(crate) use vectorised;
