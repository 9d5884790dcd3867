/* Runs every emulator of emulators.h: its self-test, then the rows in NUMBER.rows; writes the results to
 * NUMBER.out.
 *
 * A row is its inputs; a result is the code, the status (words of 4 bytes, low half first), means and
 * standard deviations. The same program runs on the workstation and, over semihosting, on a device. */
#include "emulators.h"

#include <stdio.h>
#include <string.h>

static int write_words(FILE *out, const void *words, size_t count)
{
    return fwrite(words, 4, count, out) == count;
}

#define DEFINE_RUN(name, NAME, number)                                                                   \
    static int run_##name(void)                                                                          \
    {                                                                                                    \
        static name##_workspace workspace;                                                               \
        static float x[NAME##_INPUTS], mean[NAME##_OUTPUTS], std[NAME##_OUTPUTS];                        \
        FILE *const rows = fopen(#number ".rows", "rb");                                                 \
        FILE *const out = fopen(#number ".out", "wb");                                                   \
        const int32_t test = name##_self_test(&workspace, mean, std);                                    \
        if (test != NAME##_OK || rows == NULL || out == NULL || name##_abi() != NAME##_ABI) {            \
            fprintf(stderr, "emulator %d: self-test says %ld\n", number, (long)test);                    \
            return 1;                                                                                    \
        }                                                                                                \
        if (name##_predict(NULL, x, mean, std, NULL) != NAME##_BAD_ARGUMENT) {                           \
            fprintf(stderr, "emulator %d: no workspace went unnoticed\n", number);                       \
            return 1;                                                                                    \
        }                                                                                                \
        while (fread(x, sizeof x, 1, rows) == 1) {                                                       \
            name##_status status;                                                                        \
            uint32_t words[8];                                                                           \
            int32_t code;                                                                                \
            memset(&workspace, 0xA5, sizeof workspace);                                                  \
            code = name##_predict(&workspace, x, mean, std, &status);                                    \
            words[0] = (uint32_t)code;                                                                   \
            words[1] = (uint32_t)status.non_finite;                                                      \
            words[2] = (uint32_t)(status.non_finite >> 32);                                              \
            words[3] = (uint32_t)status.outside;                                                         \
            words[4] = (uint32_t)(status.outside >> 32);                                                 \
            words[5] = status.worst;                                                                     \
            memcpy(&words[6], &status.excess, 4);                                                        \
            words[7] = status.is_far;                                                                    \
            if (!write_words(out, words, 8) || !write_words(out, mean, NAME##_OUTPUTS) ||                \
                !write_words(out, std, NAME##_OUTPUTS)) {                                                \
                return 1;                                                                                \
            }                                                                                            \
        }                                                                                                \
        fclose(rows);                                                                                    \
        return fclose(out);                                                                              \
    }

EACH_EMULATOR(DEFINE_RUN)

#define RUN(name, NAME, number) failed |= run_##name() | (FUSED_EXPECTED != name##_fused());

int main(void)
{
    int failed = 0;
    EACH_EMULATOR(RUN)
    return failed;
}
