/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Some instructions cost the host far more than others: those that empty caches, walk page tables,
 * meet new code or touch new memory. run() adds up their extra cost, roughly in nanoseconds of host
 * time, and ends when WORK_PER_RUN is spent, so that its caller can look at the clock. It still
 * ends between two blocks, so the guest cannot tell.
 */
#ifndef FWNMI_ENGINE_EMU_WORK_H
#define FWNMI_ENGINE_EMU_WORK_H

#include <stdint.h>

#define WORK_PER_RUN 4000000
#define WORK_FILL    50 /* a slot of the soft TLB */
#define WORK_WALK    200 /* a walk of the page tables */
#define WORK_TOUCH   2000000 /* the host may have to find and clear a huge page */
#define WORK_INSN    30 /* an instruction decoded */
#define WORK_TABLE   1000 /* a code page or a region made or emptied */

/** struct work - what is left of WORK_PER_RUN. Once it is spent, the run ends after its block. */
struct work {
	int64_t left;
};

/** work_done() - account for @amount, any value that fits. */
static inline void work_done(struct work *work, int64_t amount)
{
	work->left -= amount;
}

#endif
