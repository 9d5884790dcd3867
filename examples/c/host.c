/* A host program around the emulator: checks itself, then predicts in the middle of the box, outside of it, and at an input
 * that is not a number. */
#include "thomson.h"

#include <math.h>
#include <stdio.h>

static thomson_workspace workspace;
static float mean[THOMSON_OUTPUTS], std[THOMSON_OUTPUTS];

static void predict(const char *where, const float *x)
{
    static const char *const names[THOMSON_INPUTS] = THOMSON_INPUT_NAMES;
    thomson_status status;
    const int32_t code = thomson_predict(&workspace, x, mean, std, &status);
    const int middle = THOMSON_OUTPUTS / 2;
    int j;
    printf("%-14s output %d: %.6g +- %.2g, code %d", where, middle, (double)mean[middle], (double)std[middle], (int)code);
    if (code & THOMSON_OUTSIDE) {
        printf(", %s is %.2g widths outside its range", names[status.worst], (double)status.excess);
    }
    if (code & THOMSON_FAR) {
        printf(", far from all training points");
    }
    for (j = 0; j < THOMSON_INPUTS; j++) {
        if ((status.non_finite >> j) & 1u) {
            printf(", %s is not a finite number", names[j]);
        }
    }
    printf("\n");
}

int main(void)
{
    static const float low[THOMSON_INPUTS] = THOMSON_INPUT_LOW;
    static const float high[THOMSON_INPUTS] = THOMSON_INPUT_HIGH;
    float x[THOMSON_INPUTS] = THOMSON_INPUT_CENTRE;
    int32_t passed;

    if (thomson_abi() != THOMSON_ABI) {
        fprintf(stderr, "header and library are of different versions: freeze again\n");
        return 1;
    }
    passed = thomson_self_test(&workspace, mean, std);
    if (passed != THOMSON_OK) {
        fprintf(stderr, "self-test failed with code %d: compile with -ffp-contract=off\n", (int)passed);
        return 1;
    }
    printf("%d inputs, %d outputs, %d members, multiply-adds %s\n", THOMSON_INPUTS, THOMSON_OUTPUTS, THOMSON_MEMBERS,
           thomson_fused() ? "fused" : "rounded twice");
    printf("self-test passed\n");

    predict("in the middle", x);
    x[0] = high[0] + 0.5f * (high[0] - low[0]);
    predict("outside", x);
    x[0] = (float)NAN;
    predict("not a number", x);
    return 0;
}
