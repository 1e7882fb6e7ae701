/* SPDX-License-Identifier: BSD-3-Clause */
/* Four lanes of multiply and xor: see checksum.h. */
#include "base/checksum.h"

uint64_t cenv_checksum64(struct cenv_str data)
{
    uint64_t lane[4] = {0x9e3779b97f4a7c15u ^ data.len, 0xc2b2ae3d27d4eb4fu,
                        0x165667b19e3779f9u, 0x27d4eb2f165667c5u};
    char tail[32] = {0};
    uint64_t sum = 0;

    for (size_t at = 0; at < data.len; at += 32) {
        const char *block = data.data + at;
        if (data.len - at < 32)
            block = memcpy(tail, block, data.len - at);
        for (int i = 0; i < 4; i++) {
            uint64_t word;
            memcpy(&word, block + 8 * i, 8);
            lane[i] = (lane[i] ^ word) * 0xff51afd7ed558ccdu;
            lane[i] ^= lane[i] >> 29;
        }
    }
    for (int i = 0; i < 4; i++)
        sum = (sum ^ lane[i] ^ lane[i] >> 32) * 0xc4ceb9fe1a85ec53u;
    return sum ^ sum >> 31;
}
