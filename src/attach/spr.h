/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Special purpose registers of a vCPU. QEMU's stub gives them by name, but that of 7.2 only those
 * of the first vCPU (the others' it neither reads nor writes, and says nothing): there the vCPU
 * itself executes mfspr or mtspr. And another thing that is done by an instruction: a call of the
 * hypervisor.
 */
#ifndef FWNMI_ATTACH_SPR_H
#define FWNMI_ATTACH_SPR_H

#include "attach/guest.h"

/* Numbers as in the Power ISA, Book III. */
enum spr {
	SPR_SRR0 = 26,
	SPR_SRR1 = 27,
	SPR_SPRG1 = 273,
	SPR_PVR = 287,
};

/**
 * remote_spr_read(), remote_spr_write() - a register of any vCPU that is not halted
 *
 * If the stub does not give it, an instruction is put into a gap of the RTAS area, which has to be
 * known, and executed there; all else is as it was afterwards.
 */
bool remote_spr_read(struct guest *guest, unsigned cpu, enum spr spr, uint64_t *value);
bool remote_spr_write(struct guest *guest, unsigned cpu, enum spr spr, uint64_t value);

/** remote_prod() - end the H_CEDE of vCPU @target by an H_PROD that @cpu, which is not halted,
 * makes there */
bool remote_prod(struct guest *guest, unsigned cpu, unsigned target);

#endif
