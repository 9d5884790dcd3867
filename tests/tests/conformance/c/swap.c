/* Swaps numbers in at run time, for every emulator of emulators.h: those of NUMBER.image, with the results at the rows of
 * NUMBER.rows to NUMBER.out, as program.c writes them; then every way in which an image can be wrong. */
#include "emulators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits of an image that are flipped; more is behind it than one byte. */
#define FLIPS 200
#define ROOM 128

/* A file at a multiple of 64 bytes, with room behind it; *size is its own. */
static unsigned char *file(const char *name, size_t *size)
{
    FILE *const in = fopen(name, "rb");
    unsigned char *memory;
    if (in == NULL || fseek(in, 0, SEEK_END) != 0) {
        return NULL;
    }
    *size = (size_t)ftell(in);
    rewind(in);
    memory = malloc(*size + ROOM + 64);
    if (memory == NULL) {
        return NULL;
    }
    memory += 64 - (uintptr_t)memory % 64;
    if (fread(memory, 1, *size, in) != *size) {
        return NULL;
    }
    fclose(in);
    return memory;
}

static int expect(int number, const char *what, int32_t expected, int32_t got)
{
    if (got != expected) {
        fprintf(stderr, "emulator %d: %s gives %ld, not %ld\n", number, what, (long)got, (long)expected);
    }
    return got != expected;
}

#define DEFINE_RUN(name, NAME, number)                                                                                 \
    static int run_##name(void)                                                                                        \
    {                                                                                                                  \
        static name##_workspace workspace;                                                                             \
        static float x[NAME##_INPUTS], mean[NAME##_OUTPUTS], std[NAME##_OUTPUTS];                                      \
        FILE *const rows = fopen(#number ".rows", "rb");                                                               \
        FILE *const out = fopen(#number ".out", "wb");                                                                 \
        const name##_weights *weights = NULL, *none = NULL;                                                            \
        size_t size = 0, others = 0;                                                                                   \
        unsigned char *const image = file(#number ".image", &size);                                                    \
        unsigned char *const other = file(#number ".other", &others);                                                  \
        uint32_t state = 7;                                                                                            \
        int flip, failed = 0;                                                                                          \
        if (rows == NULL || out == NULL || image == NULL || other == NULL) {                                           \
            fprintf(stderr, "emulator %d: a file is missing\n", number);                                               \
            return 1;                                                                                                  \
        }                                                                                                              \
        failed |= expect(number, "an image", NAME##_OK, name##_from_image(image, size, &weights));                     \
        failed |= expect(number, "its place", 1, (const void *)weights == (const void *)image);                        \
        failed |= expect(number, "self-test", NAME##_OK, name##_self_test_with(weights, &workspace, mean, std));       \
        while (!failed && fread(x, sizeof x, 1, rows) == 1) {                                                          \
            name##_status status;                                                                                      \
            uint32_t words[8];                                                                                         \
            words[0] = (uint32_t)name##_predict_with(weights, &workspace, x, mean, std, &status);                      \
            words[1] = (uint32_t)status.non_finite;                                                                    \
            words[2] = (uint32_t)(status.non_finite >> 32);                                                            \
            words[3] = (uint32_t)status.outside;                                                                       \
            words[4] = (uint32_t)(status.outside >> 32);                                                               \
            words[5] = status.worst;                                                                                   \
            memcpy(&words[6], &status.excess, 4);                                                                      \
            words[7] = status.is_far;                                                                                  \
            failed |= fwrite(words, 4, 8, out) != 8 || fwrite(mean, sizeof mean, 1, out) != 1 ||                       \
                      fwrite(std, sizeof std, 1, out) != 1;                                                            \
        }                                                                                                              \
        fclose(rows);                                                                                                  \
        failed |= fclose(out);                                                                                         \
        failed |= expect(number, "what is built in", NAME##_OK, name##_self_test(&workspace, mean, std));              \
        failed |= expect(number, "NULL", NAME##_OK, name##_self_test_with(NULL, &workspace, mean, std));               \
        failed |= expect(number, "no image", NAME##_BAD_ARGUMENT, name##_from_image(NULL, size, &none));               \
        failed |= expect(number, "no place", NAME##_BAD_ARGUMENT, name##_from_image(image, size, NULL));               \
        failed |= expect(number, "a short image", NAME##_IMAGE_LENGTH, name##_from_image(image, size - 1, &none));     \
        failed |= expect(number, "another's", NAME##_IMAGE_STRUCTURE, name##_from_image(other, others, &none));        \
        for (flip = 0; flip < FLIPS; flip++) {                                                                         \
            unsigned char *byte;                                                                                       \
            const unsigned char *place;                                                                                \
            int32_t expected;                                                                                          \
            state = state * 1664525u + 1013904223u;                                                                    \
            byte = image + (state >> 8) % size;                                                                        \
            place = image + size - 8;                                                                                  \
            expected = byte >= place && byte < place + 4 ? NAME##_IMAGE_STRUCTURE : NAME##_CHECKSUM;                   \
            *byte = (unsigned char)(*byte ^ (1u << (state >> 29)));                                                    \
            failed |= expect(number, "a flipped bit", expected, name##_from_image(image, size, &none));                \
            failed |= expect(number, "its self-test", NAME##_CHECKSUM,                                                 \
                             name##_self_test_with(weights, &workspace, mean, std));                                   \
            *byte = (unsigned char)(*byte ^ (1u << (state >> 29)));                                                    \
        }                                                                                                              \
        memmove(image + 1, image, size);                                                                               \
        failed |= expect(number, "one byte on", NAME##_IMAGE_ALIGNMENT, name##_from_image(image + 1, size, &none));    \
        failed |= expect(number, "a refused image", 1, none == NULL);                                                  \
        return failed;                                                                                                 \
    }

EACH_EMULATOR(DEFINE_RUN)

#define RUN(name, NAME, number) failed |= run_##name() | (FUSED_EXPECTED != name##_fused());

int main(void)
{
    int failed = 0;
    EACH_EMULATOR(RUN)
    return failed;
}
