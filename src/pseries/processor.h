/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose machine check bits an engine's vCPUs have: from their processor version register to
 * libfwnmi's tables.
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
