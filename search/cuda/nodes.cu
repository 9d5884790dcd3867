// The nodes of a super-network and the optimiser on a GPU: what search/src/nodes/cuda.rs launches.
//
// A convolution, a transposed convolution, a dense layer and the gradients by their inputs are one kernel, `product`: a
// matrix product whose left rows are gathered by a table, tap by tap, with zeros where a tap falls outside. Bias, identity
// and activation follow in the registers that hold the sum. Numbers are f32 throughout, without tensor cores; every sum
// has a fixed order, so that the same run gives the same bits on the same device.
//
// A phase is outputs whose taps are the same, in the table as: rows, taps, and the places of
//   sources [rows][taps]  the position that a tap reads, or -1
//   taps    [taps]        the tap's number in the weights
//   places  [rows]        the position that a row writes
// and whether the bias is added.

#define FIELDS 6
#define DEPTH 16

enum { NO_ACTIVATION, RELU, SILU, TANH, SINE };
enum { ABSENT, INSIDE, OUTSIDE, LISTED };

struct Product {
    const float* x;         // [batch][in][inputs]
    const float* weight;    // [taps][inputs][outputs], or reversed: [taps][outputs][inputs]
    const float* bias;      // [outputs], or null
    const float* identity;  // [batch][identity positions][outputs], or null
    float* y;               // [batch][out][outputs]
    float* slope;           // as y, or null
    const int* table;
    // Of each output position, where its identity stands (INSIDE, OUTSIDE), or starts of a list of these (LISTED).
    const int* sources;
    const int* list;
    int phases, batch, in, out, inputs, outputs, identity_positions;
    int reversed, identity_mode, activation;
};

struct Phase {
    int rows, taps;
    const int *sources, *taps_of, *places;
    int biased;
};

// The phase of this block and its number in the phase.
__device__ Phase phase_of(const Product& p, int rows_of_block, int& block) {
    const int* d = p.table;
    for (int k = 0; k + 1 < p.phases; ++k, d += FIELDS) {
        int blocks = (p.batch * d[0] + rows_of_block - 1) / rows_of_block;
        if (block < blocks) break;
        block -= blocks;
    }
    return Phase{d[0], d[1], p.table + d[2], p.table + d[3], p.table + d[4], d[5]};
}

// The fast exponential and quotient are good to a few units in the last place.
__device__ __forceinline__ float activated(int activation, float z, float& slope) {
    if (activation == RELU) {
        slope = z > 0.f ? 1.f : 0.f;
        return fmaxf(z, 0.f);
    }
    if (activation == SILU) {
        float s = __fdividef(1.f, 1.f + __expf(-z));
        slope = s * (1.f + z * (1.f - s));
        return z * s;
    }
    if (activation == TANH) {
        float t = tanhf(z);
        slope = 1.f - t * t;
        return t;
    }
    if (activation == SINE) {
        float t;
        sincosf(z, &t, &slope);
        return t;
    }
    slope = 1.f;
    return z;
}

// COUNT neighbouring outputs: their sums without bias, sample, place and first channel.
template <int COUNT>
__device__ __forceinline__ void finish(const Product& p, float (&z)[COUNT], int biased, int b, int place, int n) {
    float beside[COUNT], slope[COUNT];
    auto read = [](float (&to)[COUNT], const float* from) {
        if constexpr (COUNT == 4) {
            float4 v = *(const float4*)from;
            to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
        } else {
            to[0] = *from;
        }
    };
    auto write = [](float* to, const float (&from)[COUNT]) {
        if constexpr (COUNT == 4) *(float4*)to = make_float4(from[0], from[1], from[2], from[3]);
        else *to = from[0];
    };
#pragma unroll
    for (int e = 0; e < COUNT; ++e) beside[e] = 0.f;
    if (biased && p.bias) {
        float bias[COUNT];
        read(bias, p.bias + n);
#pragma unroll
        for (int e = 0; e < COUNT; ++e) z[e] += bias[e];
    }
    if (p.identity_mode != ABSENT) {
        const float* identity = p.identity + (size_t)b * p.identity_positions * p.outputs + n;
        if (p.identity_mode == LISTED) {
            for (int k = p.sources[place]; k < p.sources[place + 1]; ++k) {
                float one[COUNT];
                read(one, identity + (size_t)p.list[k] * p.outputs);
#pragma unroll
                for (int e = 0; e < COUNT; ++e) beside[e] += one[e];
            }
        } else {
            read(beside, identity + (size_t)p.sources[place] * p.outputs);
        }
    }
    bool within = p.identity_mode == INSIDE;
#pragma unroll
    for (int e = 0; e < COUNT; ++e) {
        float y = activated(p.activation, within ? z[e] + beside[e] : z[e], slope[e]);
        z[e] = within ? y : y + beside[e];
    }
    size_t to = ((size_t)b * p.out + place) * p.outputs + n;
    write(p.y + to, z);
    if (p.slope) write(p.slope + to, slope);
}

// ROWS x COLUMNS outputs a block, RM x RN a thread; VECTOR: inputs are a multiple of DEPTH and outputs of 4.
template <int ROWS, int COLUMNS, int RM, int RN, bool VECTOR>
__device__ __forceinline__ void product(const Product& p) {
    constexpr int THREADS = (ROWS / RM) * (COLUMNS / RN);
    constexpr int ACROSS = COLUMNS / RN;  // threads along the columns
    constexpr int QUADS_A = ROWS * DEPTH / 4 / THREADS, QUADS_B = COLUMNS * DEPTH / 4 / THREADS;
    static_assert(QUADS_A >= 1 && QUADS_B >= 1 && RM % 4 == 0 && RN % 4 == 0, "whole quads");
    // The factors' tiles, two of each, and then the sums.
    constexpr int FACTORS = 2 * DEPTH * (ROWS + 4 + COLUMNS + 4), SUMS = ROWS * (COLUMNS + 4);
    __shared__ __align__(16) float shared[FACTORS > SUMS ? FACTORS : SUMS];
    auto as = (float (*)[DEPTH][ROWS + 4])shared;
    auto bs = (float (*)[DEPTH][COLUMNS + 4])(shared + 2 * DEPTH * (ROWS + 4));
    int block = blockIdx.x;
    const Phase phase = phase_of(p, ROWS, block);
    const int m0 = block * ROWS, n0 = blockIdx.y * COLUMNS, m_end = p.batch * phase.rows;
    const int tid = threadIdx.x, tx = tid % ACROSS, ty = tid / ACROSS;
    const int depth = phase.taps * p.inputs;

    // The rows whose quads this thread loads.
    size_t base[QUADS_A];
    int row_sources[QUADS_A];
    const int quad = tid % (DEPTH / 4) * 4;
#pragma unroll
    for (int i = 0; i < QUADS_A; ++i) {
        int m = m0 + tid / (DEPTH / 4) + i * (THREADS / (DEPTH / 4));
        int b = m / phase.rows, j = m - b * phase.rows;
        base[i] = (size_t)b * p.in * p.inputs;
        row_sources[i] = m < m_end ? j * phase.taps : -1;
    }
    float a_next[QUADS_A][4], b_next[QUADS_B][4];
    auto fetch = [&](int k0) {
        if (VECTOR) {
            int t = k0 / p.inputs, c = k0 - t * p.inputs;
#pragma unroll
            for (int i = 0; i < QUADS_A; ++i) {
                int source = row_sources[i] < 0 ? -1 : phase.sources[row_sources[i] + t];
                float4 v = make_float4(0.f, 0.f, 0.f, 0.f);
                if (source >= 0) v = *(const float4*)(p.x + base[i] + (size_t)source * p.inputs + c + quad);
                a_next[i][0] = v.x, a_next[i][1] = v.y, a_next[i][2] = v.z, a_next[i][3] = v.w;
            }
            int tap = phase.taps_of[t];
#pragma unroll
            for (int i = 0; i < QUADS_B; ++i) {
                int q = tid + i * THREADS;
                float4 v = make_float4(0.f, 0.f, 0.f, 0.f);
                if (p.reversed) {
                    int n = n0 + q / (DEPTH / 4), k = q % (DEPTH / 4) * 4;
                    if (n < p.outputs) v = *(const float4*)(p.weight + ((size_t)tap * p.outputs + n) * p.inputs + c + k);
                } else {
                    int k = q / (COLUMNS / 4), n = n0 + q % (COLUMNS / 4) * 4;
                    if (n < p.outputs) v = *(const float4*)(p.weight + ((size_t)tap * p.inputs + c + k) * p.outputs + n);
                }
                b_next[i][0] = v.x, b_next[i][1] = v.y, b_next[i][2] = v.z, b_next[i][3] = v.w;
            }
        } else {
#pragma unroll
            for (int e = 0; e < 4; ++e) {
                int k = k0 + quad + e, t = k / p.inputs, c = k - t * p.inputs;
#pragma unroll
                for (int i = 0; i < QUADS_A; ++i) {
                    int source = row_sources[i] < 0 || k >= depth ? -1 : phase.sources[row_sources[i] + t];
                    a_next[i][e] = source < 0 ? 0.f : p.x[base[i] + (size_t)source * p.inputs + c];
                }
            }
#pragma unroll
            for (int i = 0; i < QUADS_B; ++i) {
#pragma unroll
                for (int e = 0; e < 4; ++e) {
                    int q = tid + i * THREADS, k, n;
                    if (p.reversed) n = n0 + q / (DEPTH / 4), k = k0 + q % (DEPTH / 4) * 4 + e;
                    else k = k0 + q / (COLUMNS / 4), n = n0 + q % (COLUMNS / 4) * 4 + e;
                    float v = 0.f;
                    if (k < depth && n < p.outputs) {
                        int t = k / p.inputs, c = k - t * p.inputs, tap = phase.taps_of[t];
                        v = p.reversed ? p.weight[((size_t)tap * p.outputs + n) * p.inputs + c]
                                       : p.weight[((size_t)tap * p.inputs + c) * p.outputs + n];
                    }
                    b_next[i][e] = v;
                }
            }
        }
    };
    auto keep = [&](int half) {
#pragma unroll
        for (int i = 0; i < QUADS_A; ++i)
#pragma unroll
            for (int e = 0; e < 4; ++e)
                as[half][quad + e][tid / (DEPTH / 4) + i * (THREADS / (DEPTH / 4))] = a_next[i][e];
#pragma unroll
        for (int i = 0; i < QUADS_B; ++i) {
            int q = tid + i * THREADS;
            if (p.reversed) {
#pragma unroll
                for (int e = 0; e < 4; ++e) bs[half][q % (DEPTH / 4) * 4 + e][q / (DEPTH / 4)] = b_next[i][e];
            } else {
                *(float4*)&bs[half][q / (COLUMNS / 4)][q % (COLUMNS / 4) * 4] =
                    make_float4(b_next[i][0], b_next[i][1], b_next[i][2], b_next[i][3]);
            }
        }
    };

    float sum[RM][RN] = {};
    int half = 0;
    if (depth > 0) {
        fetch(0);
        keep(0);
        __syncthreads();
    }
    for (int k0 = 0; k0 < depth; k0 += DEPTH) {
        bool more = k0 + DEPTH < depth;
        if (more) fetch(k0 + DEPTH);
#pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            float a[RM], b[RN];
#pragma unroll
            for (int i = 0; i < RM; i += 4) {
                float4 v = *(const float4*)&as[half][k][ty * 4 + i * (ROWS / RM)];
                a[i] = v.x, a[i + 1] = v.y, a[i + 2] = v.z, a[i + 3] = v.w;
            }
#pragma unroll
            for (int j = 0; j < RN; j += 4) {
                float4 v = *(const float4*)&bs[half][k][tx * 4 + j * ACROSS];
                b[j] = v.x, b[j + 1] = v.y, b[j + 2] = v.z, b[j + 3] = v.w;
            }
#pragma unroll
            for (int i = 0; i < RM; ++i)
#pragma unroll
                for (int j = 0; j < RN; ++j) sum[i][j] = fmaf(a[i], b[j], sum[i][j]);
        }
        if (more) {
            half ^= 1;
            keep(half);
            __syncthreads();
        }
    }
    // By way of shared memory: one short loop, whose threads write neighbours.
    auto sums = (float (*)[COLUMNS + 4])shared;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < RM; ++i)
#pragma unroll
        for (int j = 0; j < RN; j += 4)
            *(float4*)&sums[ty * 4 + i / 4 * 4 * (ROWS / RM) + i % 4][tx * 4 + j * ACROSS] =
                make_float4(sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]);
    __syncthreads();
    constexpr int WIDE = VECTOR ? 4 : 1;
#pragma unroll 1
    for (int q = tid; q < ROWS * COLUMNS / WIDE; q += THREADS) {
        int row = q / (COLUMNS / WIDE), column = q % (COLUMNS / WIDE) * WIDE, m = m0 + row;
        if (m >= m_end || n0 + column >= p.outputs) continue;
        int b = m / phase.rows;
        float z[WIDE];
#pragma unroll
        for (int e = 0; e < WIDE; ++e) z[e] = sums[row][column + e];
        finish<WIDE>(p, z, phase.biased, b, phase.places[m - b * phase.rows], n0 + column);
    }
}

extern "C" __global__ void __launch_bounds__(128) product_small(const __grid_constant__ Product p) { product<32, 64, 4, 4, true>(p); }
extern "C" __global__ void __launch_bounds__(128) product_small_any(const __grid_constant__ Product p) { product<32, 64, 4, 4, false>(p); }
extern "C" __global__ void __launch_bounds__(128, 3) product_large(const __grid_constant__ Product p) { product<128, 64, 8, 8, true>(p); }
extern "C" __global__ void __launch_bounds__(128, 3) product_large_any(const __grid_constant__ Product p) { product<128, 64, 8, 8, false>(p); }

// The same for one output channel: a warp a row.
extern "C" __global__ void __launch_bounds__(128) product_one(const __grid_constant__ Product p) {
    int block = blockIdx.x;
    const Phase phase = phase_of(p, 32, block);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int m = block * 32 + warp; m < min((block + 1) * 32, p.batch * phase.rows); m += 4) {
        int b = m / phase.rows, j = m - b * phase.rows;
        float sum = 0.f;
        for (int t = 0; t < phase.taps; ++t) {
            int source = phase.sources[j * phase.taps + t];
            if (source < 0) continue;
            const float* x = p.x + ((size_t)b * p.in + source) * p.inputs;
            const float* w = p.weight + (size_t)phase.taps_of[t] * p.inputs;
            for (int c = lane; c < p.inputs; c += 32) sum = fmaf(x[c], w[c], sum);
        }
        for (int far = 16; far > 0; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        if (lane == 0) {
            float z[1] = {sum};
            finish<1>(p, z, phase.biased, b, phase.places[j], 0);
        }
    }
}

struct Weights {
    const float* x;       // [batch][in][inputs]
    const float* g;       // [batch][out][outputs]
    float* parts;         // [splits][taps][inputs][outputs]
    const int* sources;   // [rows][taps]: positions of x, or -1
    const int* places;    // [rows][taps]: positions of g, or -1
    int batch, rows, taps, in, out, inputs, outputs, splits;
};

// Gradients by the weights: for each tap a sum of outer products over the rows, in as many parts as there are splits.
extern "C" __global__ void __launch_bounds__(256) weight_gradients(const __grid_constant__ Weights p) {
    __shared__ __align__(16) float xs[2][DEPTH][64 + 4];
    __shared__ __align__(16) float gs[2][DEPTH][64 + 4];
    int tap = blockIdx.x % p.taps, split = blockIdx.x / p.taps;
    int c0 = blockIdx.y * 64, n0 = blockIdx.z * 64;
    int m_all = p.batch * p.rows, each = (m_all + p.splits - 1) / p.splits;
    int first = split * each, end = min(first + each, m_all);
    int tid = threadIdx.x, tx = tid % 16, ty = tid / 16;
    bool x_quads = p.inputs % 4 == 0, g_quads = p.outputs % 4 == 0;
    float xv[4], gv[4];
    auto fetch = [&](int m) {
#pragma unroll
        for (int e = 0; e < 4; ++e) xv[e] = gv[e] = 0.f;
        if (m >= end) return;
        int b = m / p.rows, j = m - b * p.rows;
        int source = p.sources[j * p.taps + tap], place = p.places[j * p.taps + tap];
        if (source < 0 || place < 0) return;
        const float* x = p.x + ((size_t)b * p.in + source) * p.inputs;
        const float* g = p.g + ((size_t)b * p.out + place) * p.outputs;
        int c = c0 + tx * 4, n = n0 + tx * 4;
        if (x_quads) {
            if (c < p.inputs) { float4 v = *(const float4*)(x + c); xv[0] = v.x, xv[1] = v.y, xv[2] = v.z, xv[3] = v.w; }
        } else {
#pragma unroll
            for (int e = 0; e < 4; ++e) if (c + e < p.inputs) xv[e] = x[c + e];
        }
        if (g_quads) {
            if (n < p.outputs) { float4 v = *(const float4*)(g + n); gv[0] = v.x, gv[1] = v.y, gv[2] = v.z, gv[3] = v.w; }
        } else {
#pragma unroll
            for (int e = 0; e < 4; ++e) if (n + e < p.outputs) gv[e] = g[n + e];
        }
    };
    auto keep = [&](int half) {
        *(float4*)&xs[half][ty][tx * 4] = make_float4(xv[0], xv[1], xv[2], xv[3]);
        *(float4*)&gs[half][ty][tx * 4] = make_float4(gv[0], gv[1], gv[2], gv[3]);
    };
    float sum[4][4] = {};
    int half = 0;
    fetch(first + ty);
    keep(0);
    __syncthreads();
    for (int m = first; m < end; m += DEPTH) {
        bool more = m + DEPTH < end;
        if (more) fetch(m + DEPTH + ty);
#pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            float4 a = *(const float4*)&xs[half][k][ty * 4], b = *(const float4*)&gs[half][k][tx * 4];
            float av[4] = {a.x, a.y, a.z, a.w}, bv[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j) sum[i][j] = fmaf(av[i], bv[j], sum[i][j]);
        }
        if (more) {
            half ^= 1;
            keep(half);
            __syncthreads();
        }
    }
    float* part = p.parts + ((size_t)split * p.taps + tap) * p.inputs * p.outputs;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
            int c = c0 + ty * 4 + i, n = n0 + tx * 4 + j;
            if (c < p.inputs && n < p.outputs) part[(size_t)c * p.outputs + n] = sum[i][j];
        }
}

struct Inside {
    const float* dy;     // [rows][outputs]
    const float* slope;  // as dy, or null: g is not written
    float* g;
    float* parts;        // [gridDim.x][outputs]
    const int* biased;   // [positions]
    int rows, positions, outputs;
};

// g = dy slope, and sums of g over the rows that have a bias.
extern "C" __global__ void __launch_bounds__(256) inside(const __grid_constant__ Inside p) {
    __shared__ float shared[4][64];
    int n = blockIdx.y * 64 + threadIdx.x % 64, ty = threadIdx.x / 64;
    int each = (p.rows + gridDim.x - 1) / gridDim.x, end = min((int)(blockIdx.x + 1) * each, p.rows);
    float sum = 0.f;
    if (n < p.outputs)
        for (int m = blockIdx.x * each + ty; m < end; m += 4) {
            size_t place = (size_t)m * p.outputs + n;
            float v = p.dy[place];
            if (p.slope) {
                v *= p.slope[place];
                p.g[place] = v;
            }
            if (p.biased[m % p.positions]) sum += v;
        }
    shared[ty][threadIdx.x % 64] = sum;
    __syncthreads();
    if (ty == 0 && n < p.outputs)
        p.parts[(size_t)blockIdx.x * p.outputs + n] =
            (shared[0][threadIdx.x] + shared[1][threadIdx.x]) + (shared[2][threadIdx.x] + shared[3][threadIdx.x]);
}

struct Parts {
    const float* weight_parts;
    float* weight;
    const float* bias_parts;
    float* bias;
    int weights, weight_splits, biases, bias_splits;
};

// Sums parts in their order, those of the weights and those of the bias.
extern "C" __global__ void __launch_bounds__(256) sum_parts(const __grid_constant__ Parts p) {
    int k = blockIdx.x * 256 + threadIdx.x;
    bool bias = k >= p.weights;
    if (bias) k -= p.weights;
    int count = bias ? p.biases : p.weights, splits = bias ? p.bias_splits : p.weight_splits;
    const float* parts = bias ? p.bias_parts : p.weight_parts;
    if (k >= count) return;
    float sum = 0.f;
    for (int s = 0; s < splits; ++s) sum += parts[(size_t)s * count + k];
    (bias ? p.bias : p.weight)[k] = sum;
}

struct Resized {
    const float* dr;  // [batch][out][channels], or null
    const float* g;   // the same
    float* dx;        // [batch][in][channels]
    const int* starts;
    const int* list;
    int batch, in, out, channels;
};

// dx[q] = sum over the outputs p that read q of dr[p] + g[p].
extern "C" __global__ void __launch_bounds__(256) return_resized(const __grid_constant__ Resized r) {
    size_t k = (size_t)blockIdx.x * 256 + threadIdx.x;
    if (k >= (size_t)r.batch * r.in * r.channels) return;
    int c = k % r.channels, q = k / r.channels % r.in;
    size_t b = k / r.channels / r.in;
    float sum = 0.f;
    for (int e = r.starts[q]; e < r.starts[q + 1]; ++e) {
        size_t place = (b * r.out + r.list[e]) * r.channels + c;
        if (r.dr) sum += r.dr[place];
        if (r.g) sum += r.g[place];
    }
    r.dx[k] = sum;
}

struct Error {
    const float* y;
    const float* target;
    const float* gradient;  // of the loss; null forward
    float* result;          // the loss, or the gradient by y
    int count;
};

// The mean of the squares of y - target, by one block.
extern "C" __global__ void __launch_bounds__(1024) mean_squared_error(const __grid_constant__ Error p) {
    __shared__ float shared[32];
    float sum = 0.f;
    for (int k = threadIdx.x; k < p.count; k += 1024) {
        float difference = p.y[k] - p.target[k];
        sum = fmaf(difference, difference, sum);
    }
    for (int far = 16; far > 0; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x < 32) {
        sum = shared[threadIdx.x];
        for (int far = 16; far > 0; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        if (threadIdx.x == 0) *p.result = sum / p.count;
    }
}

extern "C" __global__ void __launch_bounds__(256) error_gradient(const __grid_constant__ Error p) {
    int k = blockIdx.x * 256 + threadIdx.x;
    if (k < p.count) p.result[k] = *p.gradient * (2.f / p.count) * (p.y[k] - p.target[k]);
}

#define MOST 40

struct Update {
    float* weight[MOST];
    const float* gradient[MOST];
    float* mean[MOST];
    float* square[MOST];
    float step[MOST], root[MOST];
    int blocks[MOST];  // where the next variable's blocks start
    int count[MOST];
    int variables;
    float keep, beta_1, beta_2, epsilon;
};

// AdamW over all variables of a step: a block updates 1024 numbers of one variable.
extern "C" __global__ void __launch_bounds__(256) adamw(const __grid_constant__ Update u) {
    int v = 0, block = blockIdx.x;
    while (block >= u.blocks[v]) ++v;
    if (v) block -= u.blocks[v - 1];
    for (int k = block * 1024 + threadIdx.x; k < min((block + 1) * 1024, u.count[v]); k += 256) {
        float g = u.gradient[v][k];
        float mean = u.mean[v][k] + u.beta_1 * (g - u.mean[v][k]);
        float square = u.square[v][k] + u.beta_2 * (g * g - u.square[v][k]);
        u.mean[v][k] = mean;
        u.square[v][k] = square;
        u.weight[v][k] = u.keep * u.weight[v][k] - u.step[v] * mean / (sqrtf(u.root[v] * square) + u.epsilon);
    }
}
