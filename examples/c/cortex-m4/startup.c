/* Start of a program on a Cortex-M4F or M7: vectors, the floating-point unit, then the C library's own start, which clears
 * and copies memory, opens semihosting and calls main. */
#include <stdint.h>

extern uint32_t stack_top;
void _start(void);

static void hang(void)
{
    for (;;) {
    }
}

void reset(void)
{
    volatile uint32_t *const coprocessors = (volatile uint32_t *)0xE000ED88u; /* CPACR */
    *coprocessors |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb");
    _start();
    hang();
}

typedef void (*handler)(void);

struct vectors {
    uint32_t *stack;
    handler handlers[15];
};

extern const struct vectors vectors;
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    &stack_top,
    {reset, hang, hang, hang, hang, hang, 0, 0, 0, 0, hang, hang, 0, hang, hang}};
