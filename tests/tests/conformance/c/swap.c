/* Swaps constants in at run time, for every emulator of emulators.h: loads NUMBER.image and writes the
 * results at the rows of NUMBER.rows to NUMBER.out, as program.c does; then tries every kind of invalid
 * image. */
#include "emulators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of bits of an image that are flipped. The file is followed by more than one byte. */
#define FLIPS 200
#define ROOM 128

/* Reads a file to an address aligned to 64 bytes, with room after it; *size is the file's. */
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

/* Words of an identity: see NUMBER.identity. */
#define IDENTITY 13

static uint32_t drawn(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#define DEFINE_CHECKS(name, NAME, number)                                                                              \
    /* What a check in slices of any sizes says. */                                                                    \
    static int32_t in_slices_##name(const void *image, size_t size, uint32_t *state, const name##_weights **weights)   \
    {                                                                                                                  \
        name##_image_check check;                                                                                      \
        int32_t code = name##_check_start(&check, image, size);                                                        \
        if (code != NAME##_OK) {                                                                                       \
            return name##_check_step(&check, 4) == NAME##_BAD_ARGUMENT ? code : -1;                                    \
        }                                                                                                              \
        code = name##_check_finished(&check, weights);                                                                 \
        while (code == NAME##_UNFINISHED) {                                                                            \
            code = name##_check_step(&check, drawn(state) % 900);                                                      \
        }                                                                                                              \
        return name##_check_finished(&check, weights) == code ? code : -2;                                             \
    }                                                                                                                  \
                                                                                                                       \
    /* Whether these numbers say which they are, as the file says. */                                                  \
    static int is_known_##name(const name##_weights *weights)                                                          \
    {                                                                                                                  \
        uint32_t expected[IDENTITY];                                                                                   \
        float limits[2][NAME##_INPUTS], low[NAME##_INPUTS], high[NAME##_INPUTS];                                       \
        struct name##_identity identity;                                                                               \
        FILE *const in = fopen(#number ".identity", "rb");                                                             \
        const int is_read = in != NULL && fread(expected, sizeof expected, 1, in) == 1 &&                              \
                            fread(limits, sizeof limits, 1, in) == 1 && fclose(in) == 0;                               \
        return is_read && name##_identity(weights, &identity) == NAME##_OK && sizeof identity == sizeof expected &&    \
               memcmp(&identity, expected, sizeof expected) == 0 &&                                                    \
               name##_trained_box(weights, low, high) == NAME##_OK && memcmp(low, limits[0], sizeof low) == 0 &&       \
               memcmp(high, limits[1], sizeof high) == 0;                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static int run_checks_##name(unsigned char *image, size_t size, name##_workspace *workspace, float *mean, float *std)\
    {                                                                                                                  \
        const name##_weights *weights = NULL;                                                                          \
        name##_image_check check;                                                                                      \
        uint32_t state = 3;                                                                                            \
        size_t vector;                                                                                                 \
        int failed = expect(number, "slices", NAME##_OK, in_slices_##name(image, size, &state, &weights));             \
        failed |= expect(number, "their place", 1, (const void *)weights == (const void *)image);                      \
        failed |= expect(number, "identity", 1, is_known_##name(weights));                                             \
        failed |= expect(number, "another identity", 0, is_known_##name(NULL));                                        \
        failed |= expect(number, "no identity", NAME##_BAD_ARGUMENT, name##_identity(weights, NULL));                  \
        failed |= expect(number, "no box", NAME##_BAD_ARGUMENT, name##_trained_box(weights, mean, NULL));              \
        failed |= expect(number, "slices of what is built in", NAME##_OK, in_slices_##name(NULL, 0, &state, &weights));\
        failed |= expect(number, "its identity", 0, is_known_##name(weights));                                         \
        weights = NULL;                                                                                                \
        failed |= expect(number, "short slices", NAME##_IMAGE_LENGTH, in_slices_##name(image, size - 1, &state, &weights));\
        failed |= expect(number, "no check", NAME##_BAD_ARGUMENT, name##_check_start(NULL, image, size));              \
        failed |= expect(number, "a step of none", NAME##_BAD_ARGUMENT, name##_check_step(NULL, 4));                   \
        failed |= expect(number, "a start", NAME##_OK, name##_check_start(&check, image, size));                       \
        failed |= expect(number, "a step", NAME##_UNFINISHED, name##_check_step(&check, size - 8));                    \
        failed |= expect(number, "the last step", NAME##_OK, name##_check_step(&check, 1));                            \
        for (vector = 0; vector < NAME##_GOLDEN_VECTORS; vector++) {                                                   \
            const int32_t code = name##_test_golden((const name##_weights *)(void *)image, workspace, mean, std, vector);\
            failed |= expect(number, "a golden vector", NAME##_OK, code);                                              \
        }                                                                                                              \
        failed |= expect(number, "no golden vector", NAME##_BAD_ARGUMENT,                                              \
                         name##_test_golden(NULL, workspace, mean, std, vector));                                      \
        return failed | expect(number, "nothing", 1, weights == NULL);                                                 \
    }

EACH_EMULATOR(DEFINE_CHECKS)

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
        failed |= run_checks_##name(image, size, &workspace, mean, std);                                               \
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
            failed |= expect(number, "slices with a flipped bit", expected, in_slices_##name(image, size, &state, &none));\
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
