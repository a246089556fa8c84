/* A GPU for tests, whose memory is a file that processes share: what of libcuda.so.1
 * and libnvidia-ml.so.1 the suite asks. A process that ends gives back what it had. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 64, CHUNKS = 4096, OUT_OF_MEMORY = 2, INSUFFICIENT_SIZE = 7 };

typedef struct {
    uint64_t total, context; /* bytes of the GPU and of a context */
    struct {
        uint64_t bytes;
        int64_t pid;
    } users[SLOTS];
} Gpu;

typedef struct {
    unsigned int pid;
    unsigned long long bytes;
    unsigned int instance, compute_instance;
} ProcessInfo;

static Gpu *gpu;
static int file = -1;
static int retained;
static uint64_t chunks[CHUNKS];

static int open_gpu(void) {
    const char *path = getenv("HISTOCNN_FAKE_GPU");
    if (gpu) return 0;
    file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return 100; /* CUDA_ERROR_NO_DEVICE */
    gpu = mmap(0, sizeof *gpu, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return 0;
}

static int is_alive(int64_t pid) {
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    FILE *stat = fopen(path, "r");
    if (!stat) return 0;
    if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    fclose(stat);
    return state != 'Z';
}

static uint64_t used(void) {
    uint64_t sum = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
        if (gpu->users[slot].pid && !is_alive(gpu->users[slot].pid))
            gpu->users[slot].pid = gpu->users[slot].bytes = 0;
        sum += gpu->users[slot].bytes;
    }
    return sum;
}

static int change(int64_t bytes) {
    int code = OUT_OF_MEMORY, slot;
    flock(file, LOCK_EX);
    if (bytes < 0 || used() + (uint64_t)bytes <= gpu->total) {
        for (slot = 0; slot < SLOTS && gpu->users[slot].pid != getpid();) slot++;
        if (slot == SLOTS)
            for (slot = 0; slot < SLOTS && gpu->users[slot].pid;) slot++;
        gpu->users[slot].pid = getpid();
        gpu->users[slot].bytes += (uint64_t)bytes;
        code = 0;
    }
    flock(file, LOCK_UN);
    return code;
}

static uint64_t free_bytes(void) {
    flock(file, LOCK_EX);
    uint64_t taken = used();
    flock(file, LOCK_UN);
    return gpu->total - taken;
}

int cuInit(unsigned int flags) { return open_gpu(); }
int cuDeviceGet(int *device, int number) { return *device = number, number ? 101 : 0; }
int cuCtxPushCurrent_v2(void *context) { return 0; }
int cuCtxPopCurrent_v2(void **context) { return 0; }

int cuGetErrorName(int code, const char **name) {
    *name = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE";
    return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = gpu;
    if (retained) return retained++, 0;
    int code = change((int64_t)gpu->context);
    retained = !code;
    return code;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    if (--retained) return 0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        if (chunks[chunk]) change(-(int64_t)chunks[chunk]);
        chunks[chunk] = 0;
    }
    return change(-(int64_t)gpu->context);
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
    *free = free_bytes();
    *total = gpu->total;
    return 0;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    int chunk = 0, code;
    while (chunk < CHUNKS - 1 && chunks[chunk]) chunk++;
    if ((code = change((int64_t)bytes))) return code;
    chunks[chunk] = bytes;
    *address = (uint64_t)chunk + 1;
    return 0;
}

int cuMemFree_v2(uint64_t address) {
    int code = change(-(int64_t)chunks[address - 1]);
    chunks[address - 1] = 0;
    return code;
}

#ifdef OLD /* before R510 the lists of processes had no third version */
#define nvmlDeviceGetComputeRunningProcesses_v3 nvmlDeviceGetComputeRunningProcesses_v2
static const char driver[] = "470.82.01";
#else
static const char driver[] = "580.65.06";
#endif

/* A driver that hangs heeds no signal; the alarm is for what a test leaves behind. */
static void hang(void) {
    sigset_t all;
    sigfillset(&all);
    alarm(600);
    for (sigdelset(&all, SIGALRM);;) sigsuspend(&all);
}

int nvmlInitWithFlags(unsigned int flags) {
#ifdef SILENT
    hang();
#endif
    return open_gpu() ? 9 : 0;
}
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "fake"; }
int nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    return snprintf(version, length, "%s", driver), 0;
}

int nvmlDeviceGetCount_v2(unsigned int *count) { return *count = 1, 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
#ifdef STUCK
    hang();
#endif
    return *handle = gpu, index ? 2 : 0;
}

int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
    memory[0] = gpu->total;
    memory[1] = free_bytes();
    memory[2] = memory[0] - memory[1];
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count,
                                            ProcessInfo *infos) {
    unsigned int found = 0, room = *count;
    free_bytes();
    for (int slot = 0; slot < SLOTS; slot++) {
        if (!gpu->users[slot].bytes) continue;
        if (found < room) {
            memset(&infos[found], 0, sizeof *infos);
            infos[found].pid = (unsigned int)gpu->users[slot].pid;
            infos[found].bytes = gpu->users[slot].bytes;
        }
        found++;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : 0;
}
