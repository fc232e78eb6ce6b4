/* What an NVIDIA driver tells about its GPUs, for machines that have none.

   The file that TASKYARD_TEST_GPUS names has one line for each GPU:
   memory and used memory in MiB, usage in percent, temperature in degrees, power in milliwatts, and
   1 for one that fell off its bus. The file's name is part of their ids: GPUs of two files differ. */

#include <stdio.h>
#include <stdlib.h>

#define MOST 64
#define SUCCESS 0
#define INVALID_ARGUMENT 2
#define GPU_IS_LOST 15

struct memory { unsigned long long total, free, used; };
struct utilization { unsigned int gpu, memory; };
struct device { unsigned long long total, used; unsigned int usage, temperature, power, lost; };

static struct device devices[MOST];

static unsigned int known(void) {
    const char *path = getenv("TASKYARD_TEST_GPUS");
    FILE *file = path ? fopen(path, "r") : NULL;
    unsigned int count = 0;
    if (!file) return 0;
    while (count < MOST) {
        struct device *d = &devices[count];
        int found = fscanf(file, "%llu %llu %u %u %u %u", &d->total, &d->used,
                           &d->usage, &d->temperature, &d->power, &d->lost);
        if (found != 6) break;
        count++;
    }
    fclose(file);
    return count;
}

static unsigned int index_of(struct device *d) { return (unsigned int)(d - devices); }

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlInitWithFlags(unsigned int flags) { (void)flags; return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int code) { return code == SUCCESS ? "Success" : "Failure"; }

int nvmlSystemGetDriverVersion(char *text, unsigned int size) {
    snprintf(text, size, "550.00");
    return SUCCESS;
}

int nvmlSystemGetCudaDriverVersion(int *version) { *version = 12040; return SUCCESS; }

int nvmlDeviceGetCount_v2(unsigned int *count) { *count = known(); return SUCCESS; }

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct device **d) {
    if (index >= known()) return INVALID_ARGUMENT;
    *d = &devices[index];
    return devices[index].lost ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetIndex(struct device *d, unsigned int *index) {
    *index = index_of(d);
    return SUCCESS;
}

int nvmlDeviceGetName(struct device *d, char *text, unsigned int size) {
    (void)d;
    snprintf(text, size, "Accelerator");
    return SUCCESS;
}

int nvmlDeviceGetUUID(struct device *d, char *text, unsigned int size) {
    const char *path = getenv("TASKYARD_TEST_GPUS");
    unsigned int hash = 2166136261u;
    while (path && *path) hash = (hash ^ (unsigned char)*path++) * 16777619u;
    snprintf(text, size, "GPU-%08x-0000-0000-0000-%012u", hash, index_of(d));
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(struct device *d, struct memory *memory) {
    known();
    memory->total = d->total << 20;
    memory->used = d->used << 20;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(struct device *d, struct utilization *rates) {
    known();
    rates->gpu = d->usage;
    rates->memory = (unsigned int)(d->total ? 100 * d->used / d->total : 0);
    return SUCCESS;
}

int nvmlDeviceGetTemperature(struct device *d, int sensor, unsigned int *degrees) {
    (void)sensor;
    known();
    *degrees = d->temperature;
    return SUCCESS;
}

int nvmlDeviceGetPowerUsage(struct device *d, unsigned int *milliwatts) {
    known();
    *milliwatts = d->power;
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(struct device *d, unsigned int *count, void *found) {
    (void)d, (void)found;
    *count = 0;
    return SUCCESS;
}
