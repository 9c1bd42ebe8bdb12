/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds which process a vCPU runs; see guest_current() in guest.h. These facts about Linux's
 * structures are assumed. In task_struct, pid and tgid are followed by the stack canary, if there
 * is one, then real_parent, parent, children and sibling (include/linux/sched.h). SPRG1 points to
 * the paca, which holds a pointer to the current task (arch/powerpc/include/asm/paca.h). _switch
 * stores it there through R13.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attach/guest.h"
#include "attach/private.h"
#include "attach/special_registers.h"

#define TASK_SIZE    16384u /* larger than any task_struct */
#define SWITCH_INSNS 256u
/* Power ISA Book I: std rs,ds(r13) */
#define STD_R13_MASK 0xfc1f0003u
#define STD_R13	     0xf80d0000u
#define COMM_SIZE    16u
/* Offsets from real_parent. */
#define CHILDREN     16u
#define SIBLING	     32u

static uint64_t pointer_at(const struct guest *guest, const uint8_t *bytes)
{
	return remote_number(bytes, 8, guest->little_endian);
}

static bool read_linear(struct guest *guest, uint64_t effective_address, void *buf, size_t len,
			bool *there)
{
	*there = false;
	if (!remote_is_linear(effective_address))
		return true;
	return gdb_read_memory(guest->gdb, remote_linear_to_real(effective_address), buf, len,
			       there);
}

static bool no_layout(struct guest *guest, const char *what)
{
	return gdb_fail(guest->gdb, "cannot identify the processes of this kernel: %s", what);
}

/* init_task is its own real_parent and parent. */
static bool find_offsets(struct guest *guest, const uint8_t *task, uint64_t init_task)
{
	for (unsigned i = 16; i + 48 <= TASK_SIZE; i += 8) {
		if (pointer_at(guest, task + i) == init_task &&
		    pointer_at(guest, task + i + 8) == init_task) {
			guest->real_parent = i;
			break;
		}
	}
	for (unsigned i = 0; i + COMM_SIZE <= TASK_SIZE; i += 4) {
		if (!memcmp(task + i, "swapper", 7)) {
			guest->comm = i;
			break;
		}
	}
	return guest->real_parent && guest->comm;
}

/* The first child of init_task has pid 1, which tells whether there is a canary in between. */
static bool find_pid(struct guest *guest, const uint8_t *task)
{
	uint64_t sibling = pointer_at(guest, task + guest->real_parent + CHILDREN);
	uint8_t before[16];
	bool there;

	if (!read_linear(guest, sibling - SIBLING - sizeof(before), before, sizeof(before), &there))
		return false;
	for (unsigned back = 8; there && back <= 16; back += 8) {
		if (remote_number(before + 16 - back, 4, guest->little_endian) == 1 &&
		    remote_number(before + 20 - back, 4, guest->little_endian) == 1) {
			guest->pid = guest->real_parent - back;
			return true;
		}
	}
	return no_layout(guest, "no process has pid 1: the guest may still be booting");
}

static bool find_layout(struct guest *guest)
{
	uint64_t real, init_task;
	uint8_t *task;
	bool ok;

	if (guest->has_layout)
		return true;
	if (!guest->symbols || !guest_symbol_real(guest, "init_task", &real))
		return no_layout(guest, guest->symbols ? "no symbol init_task" :
							 "give its file: --kernel VMLINUX");
	init_task = real + LINEAR_START;
	task = malloc(TASK_SIZE);
	ok = task && guest_read_real(guest, real, task, TASK_SIZE);
	if (ok && !find_offsets(guest, task, init_task))
		ok = no_layout(guest, "init_task has an unknown layout");
	ok = ok && find_pid(guest, task);
	free(task);
	guest->has_layout = ok;
	return ok;
}

/* *@is_task: it looks like a task_struct. */
static bool read_task(struct guest *guest, uint64_t address, struct guest_process *process,
		      bool *is_task)
{
	uint8_t ids[8], parent[8];
	bool there;

	*process = (struct guest_process){ .task = address };
	*is_task = false;
	if (address % 16 || !remote_is_linear(address))
		return true;
	if (!read_linear(guest, address + guest->comm, process->comm, COMM_SIZE, &there))
		return false;
	if (!there || !isgraph((unsigned char)process->comm[0]) ||
	    !memchr(process->comm, '\0', COMM_SIZE))
		return true;
	for (const char *p = process->comm; *p; p++) {
		if (!isprint((unsigned char)*p))
			return true;
	}
	if (!read_linear(guest, address + guest->pid, ids, sizeof(ids), &there) || !there)
		return !there;
	if (!read_linear(guest, address + guest->real_parent, parent, sizeof(parent), &there) ||
	    !there)
		return !there;
	process->pid = (uint32_t)remote_number(ids, 4, guest->little_endian);
	process->tgid = (uint32_t)remote_number(ids + 4, 4, guest->little_endian);
	*is_task = remote_is_linear(pointer_at(guest, parent)) && process->pid < 1u << 22 &&
		   process->tgid < 1u << 22 &&
		   (process->pid || !strncmp(process->comm, "swapper", 7));
	return true;
}

static bool read_paca(struct guest *guest, unsigned cpu, unsigned offset, uint64_t *pointer)
{
	uint64_t address;
	uint8_t raw[8];
	bool there;

	if (!remote_spr_read(guest, cpu, SPR_SPRG1, &address) ||
	    !read_linear(guest, address + offset, raw, sizeof(raw), &there))
		return false;
	*pointer = pointer_at(guest, raw);
	return there || no_layout(guest, "SPRG1 does not point to a paca");
}

/*
 * The paca also holds registers saved by interrupts, so something there that looks like a task need
 * not be the current one. Only places that _switch stores to are checked.
 */
static bool find_current(struct guest *guest, unsigned cpu)
{
	uint64_t code;

	if (guest->has_current)
		return true;
	if (!find_layout(guest))
		return false;
	if (!symbols_find(guest->symbols, "_switch", &code))
		return no_layout(guest, "no symbol _switch");
	for (unsigned i = 0; i < SWITCH_INSNS; i++) {
		struct guest_process process;
		uint64_t pointer;
		uint8_t raw[4];
		uint32_t insn;
		bool is_task;

		if (!symbols_read(guest->symbols, code + 4ull * i, raw, sizeof(raw)))
			break;
		insn = (uint32_t)remote_number(raw, 4, guest->little_endian);
		if ((insn & STD_R13_MASK) != STD_R13 || insn & 0x8000)
			continue;
		if (!read_paca(guest, cpu, insn & 0x7ffc, &pointer) ||
		    !read_task(guest, pointer, &process, &is_task))
			return false;
		if (is_task) {
			guest->current = insn & 0x7ffc;
			guest->has_current = true;
			return true;
		}
	}
	return no_layout(guest, "no current task in the paca");
}

bool guest_current(struct guest *guest, unsigned cpu, struct guest_process *process)
{
	uint64_t pointer;
	bool is_task;

	return find_current(guest, cpu) && read_paca(guest, cpu, guest->current, &pointer) &&
	       read_task(guest, pointer, process, &is_task) &&
	       (is_task || no_layout(guest, "the paca's current task is invalid"));
}
