/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a fuzz target without libFuzzer: each file named, whole and mutated, then noise. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 1 << 16, MUTATIONS = 200, NOISE = 2000 };

/* A fixed sequence (xorshift): a failure comes again. */
static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A copy of exactly `len` bytes, so that the sanitizer sees a read past its end. */
static void run_one(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, data, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void run_mutations(const uint8_t *data, size_t len, int times, uint32_t *state)
{
    static uint8_t work[LARGEST];
    for (int i = 0; i < times && len; i++) {
        size_t cut = next(state) % 4 ? len : next(state) % len;
        memcpy(work, data, len);
        for (uint32_t n = next(state) % 4; n > 0; n--)
            work[next(state) % len] = (uint8_t)next(state);
        run_one(work, cut);
    }
}

static void run_noise(int times, uint32_t *state)
{
    static uint8_t work[256];
    for (int i = 0; i < times; i++) {
        size_t len = next(state) % sizeof(work);
        bool text = next(state) % 2;
        for (size_t k = 0; k < len; k++) {
            uint32_t byte = next(state) >> 8;
            work[k] = (uint8_t)(text ? ' ' + byte % 95 : byte);
        }
        run_one(work, len);
    }
}

static size_t read_file(const char *path, uint8_t *data)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    size_t len = fread(data, 1, LARGEST, file);
    fclose(file);
    return len;
}

/* The first argument may be --share=N: for slow targets an N-th of what is made up. */
int main(int argc, char **argv)
{
    static uint8_t data[LARGEST];
    uint32_t state = 2463534242;
    int first = 1, share = 1;
    if (argc > 1 && sscanf(argv[1], "--share=%d", &share) == 1 && share > 0)
        first++;
    for (int i = first; i < argc; i++) {
        size_t len = read_file(argv[i], data);
        run_one(data, len);
        run_mutations(data, len, MUTATIONS / share, &state);
    }
    run_noise(NOISE / share, &state);
    printf("%d inputs\n", (argc - first) * (MUTATIONS / share + 1) + NOISE / share);
    return 0;
}
