"""The PyTorch peer (dense_torch.py) on a GPU: milliseconds of a weight step on a list of architectures, of curves or images.

usage: dense_torch_gpu.py --archs ARCHS.json [--size 250 | 192x96] [--outputs 1] [--channels 64] [--fc 256] [--batch 32]
    [--rows 4096] [--turns 5] [--tf32] [--device cuda:0]
Values are drawn: timing does not depend on them. Prints one JSON line: block_ms (all architectures in turn, one
synchronisation at the end, over their number; the median of the turns), median_ms (a synchronisation a step) and params.
Without --tf32 neither products nor convolutions round their factors to TF32.
"""
import argparse, json, time
import numpy as np, torch, torch.nn.functional as F
from dense_torch import Super

a = argparse.ArgumentParser(); a.add_argument("--archs", required=True); a.add_argument("--size", default="250")
a.add_argument("--inputs", type=int, default=5); a.add_argument("--outputs", type=int, default=1); a.add_argument("--rows", type=int, default=4096)
a.add_argument("--channels", type=int, default=64); a.add_argument("--fc", type=int, default=256); a.add_argument("--device", default="cuda:0")
a.add_argument("--batch", type=int, default=32); a.add_argument("--turns", type=int, default=5); a.add_argument("--tf32", action="store_true")
o = a.parse_args()
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = o.tf32
torch.manual_seed(0); random = np.random.default_rng(0); device = torch.device(o.device)
size = tuple(int(s) for s in o.size.split("x"))
X = torch.tensor(random.standard_normal((o.rows, o.inputs), dtype=np.float32), device=device)
Y = torch.tensor(random.standard_normal((o.rows, o.outputs, *size), dtype=np.float32), device=device)
net = Super(o.inputs, o.outputs, size, o.channels, o.fc, F.silu).to(device)
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.0)
archs = [[e.ops.index(q) for e, q in zip(net.edges, arch)] for arch in json.load(open(o.archs))]
order = random.permutation(o.rows)
batches = [torch.tensor(order[k * o.batch % max(o.rows - o.batch, 1):][: o.batch]) for k in range(len(archs))]

def wait():
    if device.type == "cuda": torch.cuda.synchronize()

def step(arch, chosen):
    chosen = chosen.to(device, non_blocking=True)
    opt.zero_grad(set_to_none=True); loss = F.mse_loss(net(X[chosen], arch), Y[chosen]); loss.backward(); opt.step()

def block(each=None):
    wait(); began = time.perf_counter()
    for arch, chosen in zip(archs, batches):
        start = time.perf_counter(); step(arch, chosen)
        if each is not None: wait(); each.append(1e3 * (time.perf_counter() - start))
    wait(); return 1e3 * (time.perf_counter() - began) / len(archs)

block(); block(); blocks = [block() for _ in range(o.turns)]; each = []; block(each)
print(json.dumps(dict(block_ms=float(np.median(blocks)), least_ms=min(blocks), most_ms=max(blocks), median_ms=float(np.median(each)),
    params=sum(q.numel() for q in net.parameters()), device=torch.cuda.get_device_name(0) if device.type == "cuda" else "cpu",
    torch=torch.__version__, tf32=o.tf32)))
