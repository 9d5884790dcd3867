/* Firmware around the emulator, for a Cortex-M4F: a self-test when it starts, then a control loop of 200 frames of plasma
 * parameters, some of them outside the trained box, some not numbers.
 *
 * Where a prediction is an extrapolation or its input is not a number, the last good value is held. Every call is counted in
 * instructions by SysTick: under `qemu -icount shift=0` one instruction takes one nanosecond, and SysTick of the board
 * mps2-an386 counts at 25 MHz, 40 instructions a tick. A known loop checks this before anything is counted. */
#include "thomson.h"

#include <stdio.h>
#include <string.h>

#define FRAMES 200
#define INSTRUCTIONS_PER_TICK 40u

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010u; /* control, reload, current */

static void start_clock(void)
{
    systick[1] = 0x00FFFFFFu;
    systick[2] = 0;
    systick[0] = 5u; /* the processor's clock, no interrupt */
}

/* Instructions since the clock said `start`. */
static uint32_t instructions_since(uint32_t start)
{
    return ((start - systick[2]) & 0x00FFFFFFu) * INSTRUCTIONS_PER_TICK;
}

/* 3 instructions, so many times. */
static uint32_t known_loop(uint32_t times)
{
    const uint32_t start = systick[2];
    __asm__ volatile("1: nop\n\tsubs %0, #1\n\tbne 1b" : "+r"(times) : : "cc");
    return instructions_since(start);
}

static thomson_workspace workspace;
static float mean[THOMSON_OUTPUTS], std[THOMSON_OUTPUTS], held[THOMSON_OUTPUTS];

/* A number in [0, 1): a linear congruential generator (Knuth, MMIX). */
static float uniform(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) / 16777216.0f;
}

/* The parameters of a frame: every tenth is outside, every twenty-fifth has a number that is none. */
static void frame_parameters(int frame, float *x)
{
    static const float low[THOMSON_INPUTS] = THOMSON_INPUT_LOW;
    static const float high[THOMSON_INPUTS] = THOMSON_INPUT_HIGH;
    int j;
    for (j = 0; j < THOMSON_INPUTS; j++) {
        x[j] = low[j] + uniform() * (high[j] - low[j]);
    }
    if (frame % 10 == 9) {
        x[0] = high[0] + 0.25f * (high[0] - low[0]);
    }
    if (frame % 25 == 24) {
        const uint32_t nan = 0x7FC00000u;
        memcpy(&x[THOMSON_INPUTS - 1], &nan, sizeof nan);
    }
}

/* Continues an FNV-1a hash over the bits of numbers. */
static uint32_t hashed(uint32_t hash, const float *numbers, int count)
{
    int k, byte;
    for (k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, &numbers[k], sizeof bits);
        for (byte = 0; byte < 32; byte += 8) {
            hash = (hash ^ ((bits >> byte) & 0xFFu)) * 0x01000193u;
        }
    }
    return hash;
}

int main(void)
{
    uint32_t fewest = UINT32_MAX, most = 0, hash = 0x811C9DC5u, loop;
    int frame, used = 0, outside = 0, not_finite = 0;

    start_clock();
    loop = known_loop(10000);
    if (loop < 29900 || loop > 30100) {
        printf("the clock does not count instructions: %lu for 30000; run with -icount shift=0\n", (unsigned long)loop);
        return 1;
    }
    if (thomson_self_test(&workspace, mean, std) != THOMSON_OK) {
        printf("self-test failed: flash again\n");
        return 1;
    }
    printf("self-test passed, multiply-adds %s\n", thomson_fused() ? "fused" : "rounded twice");

    for (frame = 0; frame < FRAMES; frame++) {
        float x[THOMSON_INPUTS];
        thomson_status status;
        uint32_t start, taken;
        int32_t code;
        frame_parameters(frame, x);
        start = systick[2];
        code = thomson_predict(&workspace, x, mean, std, &status);
        taken = instructions_since(start);
        fewest = taken < fewest ? taken : fewest;
        most = taken > most ? taken : most;
        hash = hashed(hashed(hash, mean, THOMSON_OUTPUTS), std, THOMSON_OUTPUTS);
        if (code == THOMSON_OK) {
            memcpy(held, mean, sizeof held);
            used++;
        }
        outside += (code & THOMSON_OUTSIDE) != 0;
        not_finite += (code & THOMSON_NON_FINITE) != 0;
    }
    printf("%d frames: %d used, %d outside, %d not finite\n", FRAMES, used, outside, not_finite);
    printf("results %08lx\n", (unsigned long)hash);
    printf("instructions of a call: %lu to %lu, counted in steps of %u\n", (unsigned long)fewest, (unsigned long)most,
           INSTRUCTIONS_PER_TICK);
    printf("%lu.%02lu for each of %lu multiply-accumulates\n", (unsigned long)(most / THOMSON_MACS),
           (unsigned long)(most % THOMSON_MACS * 100u / THOMSON_MACS), (unsigned long)THOMSON_MACS);
    return 0;
}
