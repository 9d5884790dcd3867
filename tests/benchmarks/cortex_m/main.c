/* Measures one call of a generated model() on a Cortex-M4F in QEMU. With -icount shift=0 an instruction
 * takes one virtual nanosecond, and SysTick of the board mps2-an386 runs at 25 MHz, so a tick is 40
 * instructions. */
#include <stdint.h>
#include <stdio.h>

void model(const float *x, float *y);

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010u; /* control, reload, current */

static float x[INPUTS], y[OUTPUTS];

int main(void)
{
    uint32_t start, known, taken;
    uint32_t times = 10000;
    int k;
    for (k = 0; k < INPUTS; k++) {
        x[k] = 0.1f * (float)(k + 1) - 0.25f;
    }
    systick[1] = 0x00FFFFFFu;
    systick[2] = 0;
    systick[0] = 5u;
    start = systick[2];
    __asm__ volatile("1: nop\n\tsubs %0, #1\n\tbne 1b" : "+r"(times) : : "cc");
    known = (start - systick[2]) & 0x00FFFFFFu;
    start = systick[2];
    model(x, y);
    taken = (start - systick[2]) & 0x00FFFFFFu;
    printf("known %lu taken %lu\n", (unsigned long)known, (unsigned long)taken);
    return 0;
}
