/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's callbacks over a gdb stub, and the state kept between runs; see host.h. The file
 * itself is handled in host_file.c.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attach/host.h"
#include "attach/private.h"
#include "attach/special_registers.h"
#include "isa/lpcr.h"

/*
 * QEMU's layout of the RTAS area: 20 bytes of code, the error log at 0x30, one slot per CPU from
 * 0x800.
 */
#define BOOT_OFFSET 0x20u
#define SAVE_OFFSET 0x30u
#define SLOTS	    0x800u

/* File layout: these, then libfwnmi's record. */
static const uint8_t magic[8] = { 'F', 'W', 'N', 'M', 'I', 'g', 'd', 'b' };
enum {
	FILE_UNWATCHED = 8,
	FILE_BOOT = 16,
	FILE_HEADER = 24,
};

/* ---- libfwnmi's operations ---- */

static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	struct host *host = opaque;
	bool there;

	return gdb_read_memory(host->gdb, real_address, buf, len, &there) && there ? 0 : -1;
}

static void kick(void *opaque, unsigned cpu)
{
	struct host *host = opaque;

	host->kicked |= 1ull << cpu;
}

static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.kick = kick,
};

/* ---- registers in, registers out ---- */

bool host_get_regs(struct host *host, unsigned cpu, struct fwnmi_regs *regs)
{
	const struct gdb_registers *r = gdb_registers(host->gdb);

	return gdb_read_register(host->gdb, cpu, r->msr, &regs->msr) &&
	       gdb_read_register(host->gdb, cpu, r->nip, &regs->nip) &&
	       remote_spr_read(host->guest, cpu, SPR_SRR0, &regs->srr0) &&
	       remote_spr_read(host->guest, cpu, SPR_SRR1, &regs->srr1) &&
	       gdb_read_register(host->gdb, cpu, r->gpr[3], &regs->gpr3);
}

/*
 * Write SRR0 and SRR1 first: if the stub refuses one, the guest has lost nothing yet. Writing MSR
 * changes the byte order.
 */
static bool set_regs(struct host *host, unsigned cpu, const struct fwnmi_regs *regs)
{
	const struct gdb_registers *r = gdb_registers(host->gdb);
	uint64_t nip, msr;

	if (!remote_spr_write(host->guest, cpu, SPR_SRR0, regs->srr0) ||
	    !remote_spr_write(host->guest, cpu, SPR_SRR1, regs->srr1) ||
	    !gdb_write_register(host->gdb, cpu, r->gpr[3], regs->gpr3) ||
	    !gdb_write_register(host->gdb, cpu, r->nip, regs->nip) ||
	    !gdb_write_register(host->gdb, cpu, r->msr, regs->msr) ||
	    !gdb_read_register(host->gdb, cpu, r->msr, &msr) ||
	    !gdb_read_register(host->gdb, cpu, r->nip, &nip))
		return false;
	return (nip == regs->nip && msr == regs->msr) ||
	       gdb_fail(host->gdb,
			"the stub sets NIP 0x%" PRIx64 ", MSR 0x%" PRIx64 " instead of 0x%" PRIx64
			", 0x%" PRIx64,
			nip, msr, regs->nip, regs->msr);
}

bool host_deliver(struct host *host, unsigned cpu, const struct fwnmi_outcome *outcome)
{
	bool there;

	gdb_begin(host->gdb);
	if (!gdb_write_memory(host->gdb, outcome->write.address, outcome->write.bytes,
			      outcome->write.length, &there))
		return false;
	if (!there)
		return gdb_fail(host->gdb, "no memory at 0x%" PRIx64 " for the error log",
				outcome->write.address);
	if (!set_regs(host, cpu, &outcome->regs))
		return false;
	gdb_commit(host->gdb);
	return true;
}

static bool interrupts_little_endian(struct host *host, bool *little_endian)
{
	int reg = gdb_register(host->gdb, "lpcr");
	uint64_t lpcr;

	if (reg < 0)
		return gdb_fail(host->gdb, "the stub does not provide LPCR, which says how "
					   "interrupts are taken");
	if (!gdb_read_register(host->gdb, 0, reg, &lpcr))
		return false;
	*little_endian = lpcr & LPCR_ILE;
	return true;
}

static bool set_up(struct host *host)
{
	const struct guest *guest = host->guest;
	uint32_t slots = gdb_nr_cpus(host->gdb) * FWNMI_SYSTEM_RESET_SLOT_SIZE, room;
	struct fwnmi_config config = {
		.nr_cpus = gdb_nr_cpus(host->gdb),
		.rtas_base = guest->rtas_base,
		.rtas_size = guest->rtas_size,
		.save_area_offset = SAVE_OFFSET,
	};
	size_t size;

	room = guest->rtas_size > SAVE_OFFSET + slots ? guest->rtas_size - SAVE_OFFSET - slots : 0;
	config.mc_buffer_size = room < SLOTS - SAVE_OFFSET ? room & ~15u : SLOTS - SAVE_OFFSET;
	if (!interrupts_little_endian(host, &config.interrupts_little_endian))
		return false;
	size = config.mc_buffer_size ? fwnmi_sizeof(&config) : 0;
	if (!size)
		return gdb_fail(host->gdb,
				"the RTAS area of %" PRIu32 " bytes at 0x%" PRIx64
				" cannot be used: %s",
				guest->rtas_size, guest->rtas_base,
				config.mc_buffer_size ? fwnmi_config_error(&config) :
							fwnmi_strerror(FWNMI_ERR_NOSPACE));
	host->fwnmi = malloc(size);
	return (host->fwnmi && fwnmi_init(host->fwnmi, size, &ops, host, &config) == 0) ||
	       gdb_fail(host->gdb, "out of memory");
}

/* ---- the state ---- */

static enum host_loaded load(struct host *host, const struct host_file *file)
{
	const uint8_t *bytes = file->bytes;
	enum host_loaded loaded = HOST_NEW;
	uint8_t boot[8];
	bool there;
	int err = 0;

	if (!bytes)
		return HOST_NEW;
	if (file->size < FILE_HEADER || memcmp(bytes, magic, sizeof(magic)) != 0)
		err = FWNMI_ERR_BADRECORD;
	if (!gdb_read_memory(host->gdb, host->guest->rtas_base + BOOT_OFFSET, boot, sizeof(boot),
			     &there))
		return HOST_FAILED;
	if (!err && (!there || memcmp(bytes + FILE_BOOT, boot, sizeof(boot)) != 0))
		err = FWNMI_ERR_MISMATCH;
	if (!err)
		err = fwnmi_load(host->fwnmi, bytes + FILE_HEADER, file->size - FILE_HEADER);
	if (!err) {
		memcpy(host->boot, boot, sizeof(boot));
		host->boot_known = true;
		host->unwatched = bytes[FILE_UNWATCHED];
		loaded = HOST_LOADED;
	} else if (file->named || err != FWNMI_ERR_MISMATCH) {
		gdb_fail(host->gdb, "cannot use state %s: %s; ignore it: --forget", file->path,
			 err == FWNMI_ERR_MISMATCH ?
				 "it belongs to another guest or an earlier boot" :
				 fwnmi_strerror(err));
		loaded = HOST_FAILED;
	}
	return loaded;
}

enum host_loaded host_open(struct host *host, struct guest *guest, const struct host_file *file,
			   bool forget)
{
	host_close(host);
	memset(host, 0, sizeof(*host));
	host->gdb = guest->gdb;
	host->guest = guest;
	if (!set_up(host))
		return HOST_FAILED;
	return forget ? HOST_NEW : load(host, file);
}

void host_close(struct host *host)
{
	free(host->fwnmi);
	host->fwnmi = NULL;
}

bool host_mark(struct host *host)
{
	bool there;

	if (host->boot_known)
		return true;
	if (getrandom(host->boot, sizeof(host->boot), 0) != sizeof(host->boot))
		return gdb_fail(host->gdb, "cannot get random numbers");
	if (!gdb_write_memory(host->gdb, host->guest->rtas_base + BOOT_OFFSET, host->boot,
			      sizeof(host->boot), &there))
		return false;
	host->boot_known = there;
	return there || gdb_fail(host->gdb, "the RTAS area at 0x%" PRIx64 " cannot be written",
				 host->guest->rtas_base);
}

uint8_t *host_save(struct host *host, size_t *size)
{
	size_t record = fwnmi_state_size(host->fwnmi);
	uint8_t *bytes = calloc(1, FILE_HEADER + record);

	if (!bytes) {
		gdb_fail(host->gdb, "out of memory");
		return NULL;
	}
	memcpy(bytes, magic, sizeof(magic));
	bytes[FILE_UNWATCHED] = host->unwatched;
	memcpy(bytes + FILE_BOOT, host->boot, sizeof(host->boot));
	if (fwnmi_save(host->fwnmi, bytes + FILE_HEADER, record) != (int)record) {
		free(bytes);
		return NULL;
	}
	*size = FILE_HEADER + record;
	return bytes;
}

/* ---- registration ---- */

bool host_register(struct host *host, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		   bool page_7)
{
	uint64_t old_system_reset, old_machine_check;
	uint8_t first[4], second[4];
	int err;

	/* Keep what libfwnmi remembers of the routines, so that it can tell when they are gone. */
	if (fwnmi_registered(host->fwnmi, &old_system_reset, &old_machine_check) && !page_7 &&
	    old_system_reset == system_reset && old_machine_check == machine_check)
		return true;
	if (read_memory(host, system_reset, first, 4) == 0 &&
	    read_memory(host, machine_check, second, 4) == 0 &&
	    (!remote_number(first, 4, false) || !remote_number(second, 4, false)))
		return gdb_fail(host->gdb, "there is no code at 0x%" PRIx64 " or 0x%" PRIx64,
				system_reset, machine_check);
	err = page_7 ? fwnmi_register2(host->fwnmi, cpu, system_reset, machine_check) :
		       fwnmi_register(host->fwnmi, cpu, system_reset, machine_check);
	if (!err)
		return true;
	return gdb_fail(host->gdb, "routines 0x%" PRIx64 " and 0x%" PRIx64 " cannot be entered: %s",
			system_reset, machine_check, fwnmi_strerror(err));
}

uint32_t host_pvr(struct host *host, unsigned cpu)
{
	uint64_t pvr;

	return remote_spr_read(host->guest, cpu, SPR_PVR, &pvr) ? (uint32_t)pvr : 0;
}
