/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps the processor version register of an engine's vCPUs to libfwnmi's tables of machine check
 * bits.
 */
#ifndef FWNMI_PSERIES_PROCESSOR_H
#define FWNMI_PSERIES_PROCESSOR_H

#include "engine/engine.h"
#include "fwnmi/mce.h"

static inline enum fwnmi_processor processor_of(const struct engine_ops *ops,
						const struct engine *engine)
{
	return fwnmi_mce_processor(ops->pvr ? ops->pvr(engine) : 0);
}

#endif
