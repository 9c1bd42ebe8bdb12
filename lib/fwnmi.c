/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration, delivery and interlock: who holds the machine check buffer, who waits for it, and
 * what the vCPU's registers and the RTAS area hold when the handler starts. errlog.c encodes the
 * logs. LoPAR section "Firmware Assisted Non-Maskable Interrupts Option (FWNMI)".
 */
#include <string.h>

#include <fwnmi/fwnmi.h>
#include <fwnmi/mce.h>

#include "bytes.h"
#include "internal.h"

#define NO_OWNER (-1)

/* Power ISA Book III, Machine State Register */
#define MSR_SF (1ull << 63)
#define MSR_ME (1ull << 12)
#define MSR_RI (1ull << 1)
#define MSR_LE (1ull << 0)

/* At entry to the handler, R3 points to the saved R3, which the log follows (R13). */
#define SAVED_R3_SIZE 8

/* Power ISA Book III, interrupt vectors */
enum {
	VECTOR_SYSTEM_RESET = 0x100,
	VECTOR_MACHINE_CHECK = 0x200,
};

/* LoPAR: the status words of the calls in enum fwnmi_rtas_call */
enum {
	RTAS_SUCCESS = 0,
	RTAS_NO_ERRORS_FOUND = 1,
	RTAS_HARDWARE_ERROR = -1,
	RTAS_PARAMETER_ERROR = -3,
};

/* LoPAR table "Platform Event Log Format, Version 6, Main-B Section" */
enum {
	SUBSYSTEM_PROCESSOR = 0x10,
	SUBSYSTEM_MEMORY = 0x20,
	EVENT_RECOVERED = 0x10,
	EVENT_PREDICTIVE_DEGRADED = 0x21,
	EVENT_UNRECOVERABLE = 0x40,
	EVENT_UNRECOVERABLE_BYPASSED_DEGRADED = 0x41,
	SUBTYPE_DECONFIGURED = 0x21,
	ACTION_SERVICE_REQUIRED = 0x8000,
	ACTION_REPORT_EXTERNALLY = 0x2000,
};

/* LoPAR does not define section versions; the logs of POWER servers have 1. */
static const struct fwnmi_section_header section_header = { .version = 1 };

size_t fwnmi_rtas_area_size(unsigned nr_cpus)
{
	if (nr_cpus == 0 || nr_cpus > FWNMI_MAX_CPUS)
		return 0;
	return FWNMI_MC_BUFFER_SIZE + (size_t)nr_cpus * FWNMI_SYSTEM_RESET_SLOT_SIZE;
}

_Static_assert(SAVED_R3_SIZE + OWN_LOG_MAX <= FWNMI_MC_BUFFER_MIN, "room for a log");
_Static_assert(FWNMI_MC_BUFFER_SIZE <= FWNMI_PAGE_7_SIZE, "room for the buffer");

static uint64_t error_area(const struct fwnmi *f)
{
	return f->page_7 ? FWNMI_PAGE_7 : f->config.rtas_base + f->config.save_area_offset;
}

static uint64_t system_reset_slot(const struct fwnmi *f, unsigned cpu)
{
	return error_area(f) + fwnmi_mc_buffer_size(&f->config) +
	       (uint64_t)cpu * FWNMI_SYSTEM_RESET_SLOT_SIZE;
}

/* The RTAS area has a slot for every vCPU; page 7 has as many as fit. */
static bool has_system_reset_slot(const struct fwnmi *f, unsigned cpu)
{
	return !f->page_7 || system_reset_slot(f, cpu) + FWNMI_SYSTEM_RESET_SLOT_SIZE <=
				     FWNMI_PAGE_7 + FWNMI_PAGE_7_SIZE;
}

const char *fwnmi_version(void)
{
	return FWNMI_VERSION;
}

static bool fits(const struct fwnmi_config *config)
{
	return config->save_area_offset <= config->rtas_size &&
	       config->rtas_size - config->save_area_offset >=
		       fwnmi_mc_buffer_size(config) +
			       (uint64_t)config->nr_cpus * FWNMI_SYSTEM_RESET_SLOT_SIZE;
}

const char *fwnmi_config_error(const struct fwnmi_config *config)
{
	uint32_t buffer_size;

	if (!config)
		return "config is missing";
	buffer_size = fwnmi_mc_buffer_size(config);
	if (config->nr_cpus == 0 || config->nr_cpus > FWNMI_MAX_CPUS)
		return "nr_cpus is 0 or more than FWNMI_MAX_CPUS";
	if (config->stale_handler > FWNMI_STALE_END)
		return "stale_handler is not an enum fwnmi_stale_policy";
	if (config->nested_machine_check > FWNMI_NESTED_DROP)
		return "nested_machine_check is not an enum fwnmi_nested_policy";
	if (UINT64_MAX - config->rtas_base < config->rtas_size)
		return "rtas_base and rtas_size reach beyond the last address";
	if ((config->rtas_base + config->save_area_offset) % 16 != 0)
		return "save_area_offset puts the save area at no multiple of 16";
	if (buffer_size < FWNMI_MC_BUFFER_MIN || buffer_size > FWNMI_MC_BUFFER_SIZE ||
	    buffer_size % 16 != 0)
		return "mc_buffer_size is out of range or no multiple of 16";
	if (!fits(config))
		return "rtas_size leaves too little room behind save_area_offset";
	return NULL;
}

/* What follows struct fwnmi, in the order of their alignment. */
struct layout {
	size_t cpus, waiters, events, event_bytes, end;
};

static struct layout layout_of(unsigned nr_cpus)
{
	struct layout l = { .cpus = sizeof(struct fwnmi) };

	l.waiters = l.cpus + nr_cpus * sizeof(struct fwnmi_cpu);
	l.events = l.waiters + nr_cpus * sizeof(uint32_t);
	l.event_bytes = l.events + fwnmi_max_events(nr_cpus) * sizeof(struct fwnmi_event);
	l.end = l.event_bytes + fwnmi_event_space(nr_cpus);
	return l;
}

_Static_assert(_Alignof(struct fwnmi) <= 8, "what fwnmi.h asks of the host");
_Static_assert(sizeof(struct fwnmi) % _Alignof(struct fwnmi_cpu) == 0, "it follows");
_Static_assert(_Alignof(struct fwnmi_event) <= _Alignof(uint32_t), "it follows");

size_t fwnmi_sizeof(const struct fwnmi_config *config)
{
	return fwnmi_config_error(config) ? 0 : layout_of(config->nr_cpus).end;
}

int fwnmi_init(struct fwnmi *f, size_t size, const struct fwnmi_ops *ops, void *opaque,
	       const struct fwnmi_config *config)
{
	uint8_t *memory = (uint8_t *)f;
	struct layout layout;

	if (!f || (uintptr_t)f % 8 != 0 || !ops || !ops->read_memory || !ops->kick || !config)
		return FWNMI_ERR_INVALID;
	if (fwnmi_config_error(config))
		return fits(config) ? FWNMI_ERR_INVALID : FWNMI_ERR_NOSPACE;
	layout = layout_of(config->nr_cpus);
	if (size < layout.end)
		return FWNMI_ERR_NOSPACE;

	memset(f, 0, layout.end);
	f->ops = ops;
	f->opaque = opaque;
	f->config = *config;
	f->cpus = (struct fwnmi_cpu *)(memory + layout.cpus);
	f->waiters = (uint32_t *)(memory + layout.waiters);
	f->events = (struct fwnmi_event *)(memory + layout.events);
	f->event_bytes = memory + layout.event_bytes;
	return fwnmi_reset(f);
}

int fwnmi_reset(struct fwnmi *f)
{
	if (!fwnmi_is_set_up(f))
		return FWNMI_ERR_INVALID;
	fwnmi_reset_events(f);
	f->interrupts_little_endian = f->config.interrupts_little_endian;
	f->registered = false;
	memset(&f->system_reset, 0, sizeof(f->system_reset));
	memset(&f->machine_check, 0, sizeof(f->machine_check));
	f->page_7 = false;
	f->owner = NO_OWNER;
	f->owner_notified = false;
	f->fatal_reported = false;
	f->ended = false;
	f->end_reason = 0;
	f->first_waiter = 0;
	f->nr_waiters = 0;
	memset(f->cpus, 0, f->config.nr_cpus * sizeof(f->cpus[0]));
	f->end_log_length = 0;
	return 0;
}

void fwnmi_set_interrupt_endian(struct fwnmi *f, bool little_endian)
{
	if (fwnmi_is_set_up(f))
		f->interrupts_little_endian = little_endian;
}

/* ---- registration ---- */

static bool is_readable(struct fwnmi *f, uint64_t real_address, size_t size)
{
	uint8_t bytes[8];

	return f->ops->read_memory(f->opaque, real_address, bytes, size) == 0;
}

/* R1-7.3.14-6 */
static bool is_callable(struct fwnmi *f, uint64_t routine)
{
	return routine < FWNMI_ROUTINE_LIMIT && routine % 4 == 0 && is_readable(f, routine, 4);
}

/* R1-7.3.14-4 */
static int register_routines(struct fwnmi *f, unsigned cpu, uint64_t system_reset,
			     uint64_t machine_check, bool page_7)
{
	struct fwnmi_handler sr = { 0 }, mc = { 0 };
	int err = fwnmi_check_cpu(f, cpu);

	if (err)
		return err;
	if (!is_callable(f, system_reset) || !is_callable(f, machine_check))
		return FWNMI_ERR_PARAMETER;
	if (page_7 && (!is_readable(f, FWNMI_PAGE_7, 8) ||
		       !is_readable(f, FWNMI_PAGE_7 + FWNMI_PAGE_7_SIZE - 8, 8)))
		return FWNMI_ERR_MEMORY;
	fwnmi_remember_handler(f, &sr, system_reset);
	fwnmi_remember_handler(f, &mc, machine_check);
	/*
	 * Set all fields together: until here a callback that asks sees the previous registration.
	 */
	f->system_reset = sr;
	f->machine_check = mc;
	f->page_7 = page_7;
	f->registered = true;
	return 0;
}

/* R1-7.3.14-7: nothing in page 7. */
int fwnmi_register(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check)
{
	return register_routines(f, cpu, system_reset, machine_check, false);
}

/* R1-7.3.14-3 */
int fwnmi_register2(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check)
{
	return register_routines(f, cpu, system_reset, machine_check, true);
}

bool fwnmi_registered(const struct fwnmi *f, uint64_t *system_reset, uint64_t *machine_check)
{
	bool registered = fwnmi_is_set_up(f) && f->registered;

	if (system_reset)
		*system_reset = registered ? f->system_reset.routine : 0;
	if (machine_check)
		*machine_check = registered ? f->machine_check.routine : 0;
	return registered;
}

bool fwnmi_handlers_stand(struct fwnmi *f)
{
	if (!fwnmi_is_set_up(f))
		return false;
	return !f->registered || (fwnmi_handler_stands(f, &f->system_reset) &&
				  fwnmi_handler_stands(f, &f->machine_check));
}

/* ---- the log of a machine check ---- */

int fwnmi_machine_check_validate(const struct fwnmi_machine_check *mc)
{
	bool is_ue, has_subtypes;

	if (!mc)
		return FWNMI_ERR_INVALID;
	is_ue = mc->error_type == FWNMI_MC_UE;
	has_subtypes = is_ue || mc->error_type == FWNMI_MC_SLB || mc->error_type == FWNMI_MC_ERAT ||
		       mc->error_type == FWNMI_MC_TLB;
	if (!fwnmi_mc_type_name(mc->error_type) || !fwnmi_severity_name(mc->severity) ||
	    !fwnmi_disposition_name(mc->disposition) || !fwnmi_initiator_name(mc->initiator))
		return FWNMI_ERR_INVALID;
	if (has_subtypes ? !fwnmi_mc_subtype_name(mc->error_type, mc->error_subtype) :
			   mc->error_subtype != 0)
		return FWNMI_ERR_INVALID;
	if (!has_subtypes && mc->effective_address_valid)
		return FWNMI_ERR_INVALID;
	if (!is_ue && (mc->logical_address_valid || mc->transient))
		return FWNMI_ERR_INVALID;
	if (mc->severity == FWNMI_SEVERITY_FATAL &&
	    mc->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED)
		return FWNMI_ERR_INVALID;
	return 0;
}

static void describe_recovery(struct fwnmi_errlog *log, uint8_t disposition)
{
	static const struct {
		uint8_t flag;
		uint8_t event_severity;
		uint16_t action;
	} recovery[] = {
		[FWNMI_DISPOSITION_FULLY_RECOVERED] = { FWNMI_ERRLOG_RECOVERABLE, EVENT_RECOVERED,
							0 },
		[FWNMI_DISPOSITION_LIMITED_RECOVERY] = { FWNMI_ERRLOG_DEGRADED,
							 EVENT_PREDICTIVE_DEGRADED, 0 },
		[FWNMI_DISPOSITION_NOT_RECOVERED] = { FWNMI_ERRLOG_UNRECOVERABLE,
						      EVENT_UNRECOVERABLE,
						      ACTION_SERVICE_REQUIRED },
	};

	log->flags = FWNMI_ERRLOG_VALID | FWNMI_ERRLOG_NEW | FWNMI_ERRLOG_BIG_ENDIAN |
		     recovery[disposition].flag;
	log->main_b.event_severity = recovery[disposition].event_severity;
	log->main_b.action_flags = ACTION_REPORT_EXTERNALLY | recovery[disposition].action;
}

static void describe_deconfiguration(struct fwnmi_errlog *log)
{
	log->flags |= FWNMI_ERRLOG_DEGRADED;
	log->main_b.event_severity = EVENT_UNRECOVERABLE_BYPASSED_DEGRADED;
	log->main_b.event_subtype = SUBTYPE_DECONFIGURED;
}

static void describe_reference_code(struct fwnmi_primary_src *src,
				    const struct fwnmi_machine_check *mc)
{
	static const char digits[] = "0123456789ABCDEF";
	char *code = src->reference_code;

	/* We choose the format: FWMC, error type, error subtype. */
	memcpy(code, "FWMC", 4);
	code[4] = digits[mc->error_type >> 4];
	code[5] = digits[mc->error_type & 0xf];
	code[6] = digits[mc->error_subtype >> 4];
	code[7] = digits[mc->error_subtype & 0xf];
	src->words[0] = (uint32_t)mc->error_type << 8 | mc->error_subtype;
}

static void describe_error(struct fwnmi_mc_section *section, uint32_t server,
			   const struct fwnmi_machine_check *mc)
{
	section->header = section_header;
	section->processor_id = server;
	section->error_type = mc->error_type;
	section->error_subtype = mc->error_subtype;
	section->transient = mc->transient;
	section->effective_address_valid = mc->effective_address_valid;
	section->effective_address = mc->effective_address;
	section->logical_address_valid = mc->logical_address_valid;
	section->logical_address = mc->logical_address;
}

static uint32_t server_number(const struct fwnmi *f, unsigned cpu)
{
	return f->config.server_numbers ? f->config.server_numbers[cpu] : cpu;
}

/*
 * A platform error must have Main-A, Main-B and a primary SRC (LoPAR, requirements 3 and 4 of the
 * version 6 format). Linux finds the MC section wherever it is. Date and time stay zero because the
 * library has no clock; LoPAR allows that with an MC section.
 */
static int build_log(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc,
		     uint8_t *buf, size_t size)
{
	struct fwnmi_errlog log = {
		.severity = mc->severity,
		.disposition = mc->disposition,
		.initiator = mc->initiator,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
		.has_extended = true,
		.has_main_a = true,
		.has_main_b = true,
		.has_primary_src = true,
		.has_mc = mc->error_type != FWNMI_MC_UNKNOWN,
		.main_a = { .header = section_header, .creator = 'H' },
		.main_b = { .header = section_header },
		.primary_src = { .header = section_header, .src_version = 2 },
	};

	log.main_a.platform_log_id = ++f->log_id;
	log.main_b.subsystem = mc->error_type == FWNMI_MC_UE ? SUBSYSTEM_MEMORY :
							       SUBSYSTEM_PROCESSOR;
	describe_recovery(&log, mc->disposition);
	if (mc->unsafe_processor)
		describe_deconfiguration(&log);
	describe_reference_code(&log.primary_src, mc);
	describe_error(&log.mc, server_number(f, cpu), mc);
	return fwnmi_errlog_encode(&log, buf, size);
}

/* "Fatal error previously reported" (R1-7.3.14-15) has no extended part, because nothing is new. */
static int build_already_reported_log(const struct fwnmi_machine_check *mc, uint8_t *buf,
				      size_t size)
{
	const struct fwnmi_errlog log = {
		.severity = FWNMI_SEVERITY_ALREADY_REPORTED,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = mc->initiator,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
	};

	return fwnmi_errlog_encode(&log, buf, size);
}

/* ---- outcomes ---- */

/* Start an outcome: the vCPU keeps its registers and nothing is written. */
static int begin(struct fwnmi_outcome *outcome, unsigned vector, const struct fwnmi_regs *regs)
{
	if (!outcome)
		return FWNMI_ERR_INVALID;
	memset(outcome, 0, sizeof(*outcome));
	if (!regs)
		return FWNMI_ERR_INVALID;
	outcome->vector = vector;
	outcome->regs = *regs;
	return 0;
}

static int begin_for_cpu(const struct fwnmi *f, unsigned cpu, struct fwnmi_outcome *outcome,
			 unsigned vector, const struct fwnmi_regs *regs)
{
	int err = begin(outcome, vector, regs);

	return err ? err : fwnmi_check_cpu(f, cpu);
}

static int report(struct fwnmi_outcome *outcome, enum fwnmi_result result)
{
	outcome->result = result;
	return 0;
}

static int report_end(const struct fwnmi *f, struct fwnmi_outcome *outcome)
{
	outcome->end_reason = f->end_reason;
	return report(outcome, FWNMI_ENDED);
}

/* The FWNMI option's prose: log the result and execute the partition's reboot policy. */
static int end_partition(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc,
			 enum fwnmi_end_reason reason, struct fwnmi_outcome *outcome)
{
	struct fwnmi_machine_check fatal = *mc;
	int length;

	fatal.severity = FWNMI_SEVERITY_FATAL;
	fatal.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	length = build_log(f, cpu, &fatal, f->end_log, sizeof(f->end_log));
	if (length < 0)
		return length;
	f->end_log_length = (unsigned)length;
	f->ended = true;
	f->end_reason = reason;
	return report_end(f, outcome);
}

/* ---- delivery ---- */

/*
 * May the event enter its routine? If the routine is gone, the policy for stale handlers decides
 * the outcome instead.
 */
static bool may_enter(struct fwnmi *f, const struct fwnmi_handler *handler)
{
	return f->config.stale_handler == FWNMI_STALE_DELIVER || fwnmi_handler_stands(f, handler);
}

/*
 * R1-7.3.14-9, R1-7.3.14-13: translation is off; everything else is unchanged except what the
 * interrupt sets. @me is MSR[ME] in the handler.
 */
static void enter_handler(const struct fwnmi *f, struct fwnmi_regs *regs, uint64_t routine,
			  uint64_t cause, uint64_t me)
{
	regs->srr0 = regs->nip;
	regs->srr1 = (regs->msr & ~FWNMI_SRR1_CAUSE_MASK) | (cause & FWNMI_SRR1_CAUSE_MASK);
	regs->msr = MSR_SF | me | (f->interrupts_little_endian ? MSR_LE : 0);
	regs->nip = routine;
}

/*
 * Power ISA, Book III, "System Reset Interrupt" and "Machine Check Interrupt". Of MSR only ME stays
 * as it is, which belongs to the hypervisor.
 */
static int enter_vector(const struct fwnmi *f, struct fwnmi_outcome *outcome,
			enum fwnmi_entry entry)
{
	const struct fwnmi_machine_check *mc = &outcome->machine_check; /* all zero for a reset */

	enter_handler(f, &outcome->regs, outcome->vector, mc->srr1, outcome->regs.msr & MSR_ME);
	outcome->dsisr_valid = mc->srr1 & FWNMI_SRR1_MC_LOADSTORE;
	outcome->dsisr = outcome->dsisr_valid ? mc->dsisr : 0;
	outcome->dar_valid = mc->dar_valid;
	outcome->dar = mc->dar_valid ? mc->dar : 0;
	outcome->entry = entry;
	return report(outcome, FWNMI_DELIVERED);
}

static int enter_stale(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc,
		       struct fwnmi_outcome *outcome)
{
	if (f->config.stale_handler == FWNMI_STALE_END)
		return end_partition(f, cpu, mc, FWNMI_END_STALE_HANDLER, outcome);
	return enter_vector(f, outcome, FWNMI_ENTRY_STALE);
}

/* A system reset at the handler's first instruction would destroy the event's SRR0 and SRR1. */
static void delay_system_reset(struct fwnmi *f, unsigned cpu)
{
	if (f->cpus[cpu].system_reset_pending)
		f->cpus[cpu].system_reset_pending = RESET_AFTER_INTERLOCK;
}

static int deliver_machine_check(struct fwnmi *f, unsigned cpu,
				 const struct fwnmi_machine_check *mc,
				 struct fwnmi_outcome *outcome)
{
	uint8_t *log = outcome->write.bytes + SAVED_R3_SIZE;
	int length;

	outcome->machine_check = *mc;
	if (!may_enter(f, &f->machine_check))
		return enter_stale(f, cpu, mc, outcome);
	put_be64(outcome->write.bytes, outcome->regs.gpr3);
	if (f->fatal_reported)
		length = build_already_reported_log(mc, log, OWN_LOG_MAX);
	else
		length = build_log(f, cpu, mc, log, OWN_LOG_MAX);
	if (length < 0)
		return length;
	outcome->write.address = error_area(f);
	outcome->write.length = SAVED_R3_SIZE + (uint32_t)length;
	outcome->regs.gpr3 = error_area(f);
	enter_handler(f, &outcome->regs, f->machine_check.routine, mc->srr1, MSR_ME);
	f->owner = (int)cpu;
	f->owner_notified = true;
	outcome->entry = FWNMI_ENTRY_ROUTINE;
	delay_system_reset(f, cpu);
	if (mc->severity == FWNMI_SEVERITY_FATAL)
		f->fatal_reported = true;
	return report(outcome, FWNMI_DELIVERED);
}

static int deliver_system_reset(struct fwnmi *f, unsigned cpu, struct fwnmi_outcome *outcome)
{
	static const struct fwnmi_machine_check none = { .error_type = FWNMI_MC_UNKNOWN };

	f->cpus[cpu].system_reset_pending = 0; /* this one and that one are one */
	if (!f->registered)
		return enter_vector(f, outcome, FWNMI_ENTRY_VECTOR);
	if (!may_enter(f, &f->system_reset))
		return enter_stale(f, cpu, &none, outcome);
	if (!f->config.strict && has_system_reset_slot(f, cpu)) {
		put_be64(outcome->write.bytes, outcome->regs.gpr3);
		outcome->write.address = system_reset_slot(f, cpu);
		outcome->write.length = FWNMI_SYSTEM_RESET_SLOT_SIZE;
		outcome->regs.gpr3 = system_reset_slot(f, cpu);
	}
	enter_handler(f, &outcome->regs, f->system_reset.routine, 0, outcome->regs.msr & MSR_ME);
	outcome->entry = FWNMI_ENTRY_ROUTINE;
	return report(outcome, FWNMI_DELIVERED);
}

/* ---- who holds the buffer, who waits ---- */

static uint32_t *waiter(const struct fwnmi *f, unsigned place)
{
	return &f->waiters[(f->first_waiter + place) % f->config.nr_cpus];
}

static void add_waiter(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	*waiter(f, f->nr_waiters++) = cpu;
	f->cpus[cpu].waits = true;
	f->cpus[cpu].pending = *mc;
}

/* Is the vCPU waiting with a machine check that has not reached its handler? */
static bool is_waiting(const struct fwnmi *f, unsigned cpu)
{
	return f->owner == (int)cpu ? !f->owner_notified : f->cpus[cpu].waits;
}

/* Give the buffer straight to the next waiter, so that a newcomer cannot overtake it. */
static void pass_buffer_on(struct fwnmi *f)
{
	f->owner = NO_OWNER;
	f->owner_notified = false;
	if (f->nr_waiters == 0)
		return;
	f->owner = (int)*waiter(f, 0);
	f->cpus[f->owner].waits = false;
	f->first_waiter = (f->first_waiter + 1) % f->config.nr_cpus;
	f->nr_waiters--;
	f->ops->kick(f->opaque, (unsigned)f->owner);
}

/* R1-7.3.14-16, option 2 */
static int stop_processor(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc,
			  struct fwnmi_outcome *outcome)
{
	struct fwnmi_machine_check fatal = *mc;
	uint8_t log[OWN_LOG_MAX];
	int length;

	fatal.severity = FWNMI_SEVERITY_FATAL;
	fatal.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	length = build_log(f, cpu, &fatal, log, sizeof(log));
	if (length < 0)
		return length;
	fwnmi_push_event(f, EVENT_UNSAFE_PROCESSOR, log, (size_t)length);
	f->cpus[cpu].stopped = true;
	f->cpus[cpu].system_reset_pending = 0;
	return report(outcome, FWNMI_STOPPED);
}

/* R1-7.3.14-12 */
static void repair(struct fwnmi *f, unsigned cpu, struct fwnmi_machine_check *mc)
{
	if (!f->ops->repair || !fwnmi_mce_repairable(mc) ||
	    mc->disposition != FWNMI_DISPOSITION_NOT_RECOVERED ||
	    mc->severity == FWNMI_SEVERITY_FATAL)
		return;
	if (f->ops->repair(f->opaque, cpu, mc) == 0)
		mc->disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
}

/* The vCPU is in its handler, and another log would destroy the one that it reads. */
static int take_nested(struct fwnmi *f, unsigned cpu, struct fwnmi_machine_check *mc,
		       struct fwnmi_outcome *outcome)
{
	if (f->config.strict || f->config.nested_machine_check != FWNMI_NESTED_DROP ||
	    mc->unsafe_processor)
		return end_partition(f, cpu, mc, FWNMI_END_NESTED_MACHINE_CHECK, outcome);
	repair(f, cpu, mc);
	outcome->machine_check = *mc;
	if (mc->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED)
		return report(outcome, FWNMI_DROPPED);
	return end_partition(f, cpu, mc, FWNMI_END_NESTED_MACHINE_CHECK, outcome);
}

/* The vCPU has the error now, and no other that it has yet to take. */
static int take_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc,
			      struct fwnmi_outcome *outcome)
{
	struct fwnmi_machine_check event = *mc;

	outcome->vector = VECTOR_MACHINE_CHECK;
	outcome->machine_check = event;
	if (f->owner == (int)cpu)
		return take_nested(f, cpu, &event, outcome);
	if (mc->unsafe_processor)
		return stop_processor(f, cpu, mc, outcome);
	if (!f->registered)
		return enter_vector(f, outcome, FWNMI_ENTRY_VECTOR);
	repair(f, cpu, &event);
	outcome->machine_check = event;
	if (f->owner != NO_OWNER) {
		add_waiter(f, cpu, &event);
		return report(outcome, FWNMI_WAITING);
	}
	return deliver_machine_check(f, cpu, &event, outcome);
}

int fwnmi_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
			const struct fwnmi_machine_check *mc, struct fwnmi_outcome *outcome)
{
	int err = begin_for_cpu(f, cpu, outcome, VECTOR_MACHINE_CHECK, regs);

	if (!err)
		err = fwnmi_machine_check_validate(mc);
	if (err)
		return err;
	outcome->machine_check = *mc;
	if (f->ended)
		return report_end(f, outcome);
	if (f->cpus[cpu].stopped)
		return report(outcome, FWNMI_STOPPED);
	if (is_waiting(f, cpu) || f->cpus[cpu].signalled)
		return FWNMI_ERR_BUSY;
	return take_machine_check(f, cpu, mc, outcome);
}

int fwnmi_signal_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	int err = fwnmi_check_cpu(f, cpu);

	if (!err)
		err = fwnmi_machine_check_validate(mc);
	if (err)
		return err;
	if (f->ended || f->cpus[cpu].stopped)
		return 0;
	if (is_waiting(f, cpu) || f->cpus[cpu].signalled)
		return FWNMI_ERR_BUSY;
	f->cpus[cpu].pending = *mc;
	f->cpus[cpu].signalled = true;
	f->ops->kick(f->opaque, cpu);
	return 1;
}

int fwnmi_system_reset(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
		       struct fwnmi_outcome *outcome)
{
	int err = begin_for_cpu(f, cpu, outcome, VECTOR_SYSTEM_RESET, regs);

	if (err)
		return err;
	if (f->ended)
		return report_end(f, outcome);
	if (f->cpus[cpu].stopped)
		return report(outcome, FWNMI_STOPPED);
	if (is_waiting(f, cpu)) {
		f->cpus[cpu].system_reset_pending = RESET_AFTER_INTERLOCK;
		return report(outcome, FWNMI_WAITING);
	}
	return deliver_system_reset(f, cpu, outcome);
}

static void signal_system_reset(struct fwnmi *f, unsigned cpu)
{
	if (is_waiting(f, cpu)) {
		f->cpus[cpu].system_reset_pending = RESET_AFTER_INTERLOCK;
	} else {
		f->cpus[cpu].system_reset_pending = RESET_AT_RESUME;
		f->ops->kick(f->opaque, cpu);
	}
}

/* R1-7.3.14-8, R1-7.3.14-11 */
int fwnmi_signal_system_reset(struct fwnmi *f, unsigned cpu, int64_t target)
{
	int signalled = 0, err = fwnmi_check_cpu(f, cpu);

	if (err)
		return err;
	if (target < FWNMI_ALL_OTHERS || target >= (int64_t)f->config.nr_cpus)
		return FWNMI_ERR_CPU;
	for (unsigned i = 0; i < f->config.nr_cpus && !f->ended; i++) {
		if (target == FWNMI_ALL_OTHERS ? i == cpu : target != FWNMI_ALL && target != i)
			continue;
		if (f->cpus[i].stopped)
			continue;
		signal_system_reset(f, i);
		signalled++;
	}
	return signalled;
}

/* R1-7.3.14-17, R1-7.3.14-18 */
int fwnmi_interlock(struct fwnmi *f, unsigned cpu)
{
	int err = fwnmi_check_cpu(f, cpu);

	if (err)
		return err;
	if (f->ended || f->owner != (int)cpu || !f->owner_notified)
		return f->config.strict ? FWNMI_ERR_NO_EVENT : FWNMI_NOTHING;
	pass_buffer_on(f);
	if (f->cpus[cpu].system_reset_pending)
		signal_system_reset(f, cpu);
	return FWNMI_RELEASED;
}

/* The vCPU's machine check has left the queue undelivered: its system reset waits for nothing. */
static void release_system_reset(struct fwnmi *f, unsigned cpu)
{
	if (f->cpus[cpu].system_reset_pending)
		f->cpus[cpu].system_reset_pending = RESET_AT_RESUME;
}

bool fwnmi_recoverable(const struct fwnmi_regs *regs)
{
	return regs && regs->msr & MSR_RI;
}

static int resume_machine_check(struct fwnmi *f, unsigned cpu, struct fwnmi_outcome *outcome)
{
	int err = deliver_machine_check(f, cpu, &f->cpus[cpu].pending, outcome);

	/* The event is delivered without it, so this vCPU does not need the buffer kept for it. */
	if (!err && outcome->entry == FWNMI_ENTRY_STALE) {
		pass_buffer_on(f);
		release_system_reset(f, cpu);
	}
	return err;
}

static int resume_signalled(struct fwnmi *f, unsigned cpu, struct fwnmi_outcome *outcome)
{
	const struct fwnmi_machine_check mc = f->cpus[cpu].pending;

	f->cpus[cpu].signalled = false;
	return take_machine_check(f, cpu, &mc, outcome);
}

int fwnmi_architected(const struct fwnmi *f, const struct fwnmi_regs *regs,
		      const struct fwnmi_machine_check *mc, struct fwnmi_outcome *outcome)
{
	int err = begin(outcome, mc ? VECTOR_MACHINE_CHECK : VECTOR_SYSTEM_RESET, regs);

	if (err)
		return err;
	if (!fwnmi_is_set_up(f))
		return FWNMI_ERR_INVALID;
	if (mc)
		outcome->machine_check = *mc;
	return enter_vector(f, outcome, FWNMI_ENTRY_VECTOR);
}

static int resume(struct fwnmi *f, unsigned cpu, struct fwnmi_outcome *outcome)
{
	if (is_waiting(f, cpu)) {
		outcome->vector = VECTOR_MACHINE_CHECK;
		outcome->machine_check = f->cpus[cpu].pending;
		return f->owner == (int)cpu ? resume_machine_check(f, cpu, outcome) :
					      report(outcome, FWNMI_WAITING);
	}
	if (f->cpus[cpu].signalled)
		return resume_signalled(f, cpu, outcome);
	if (f->cpus[cpu].system_reset_pending == RESET_AT_RESUME) {
		outcome->vector = VECTOR_SYSTEM_RESET;
		return deliver_system_reset(f, cpu, outcome);
	}
	return report(outcome, FWNMI_NOTHING);
}

int fwnmi_resume(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
		 struct fwnmi_outcome *outcome)
{
	int err = begin_for_cpu(f, cpu, outcome, 0, regs);

	if (err)
		return err;
	if (f->ended)
		return report_end(f, outcome);
	if (f->cpus[cpu].stopped)
		return report(outcome, FWNMI_STOPPED);
	err = resume(f, cpu, outcome);
	/* No interlock will kick the vCPU for it. */
	if (!f->ended && !is_waiting(f, cpu) &&
	    f->cpus[cpu].system_reset_pending == RESET_AT_RESUME)
		f->ops->kick(f->opaque, cpu);
	return err;
}

bool fwnmi_may_run(const struct fwnmi *f, unsigned cpu)
{
	return fwnmi_check_cpu(f, cpu) == 0 && !f->ended && !f->cpus[cpu].stopped &&
	       !is_waiting(f, cpu);
}

static void remove_waiter(struct fwnmi *f, unsigned cpu)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->nr_waiters; i++) {
		uint32_t other = *waiter(f, i);

		if (other != cpu)
			*waiter(f, kept++) = other;
	}
	f->nr_waiters = kept;
	f->cpus[cpu].waits = false;
}

int fwnmi_withdraw(struct fwnmi *f, unsigned cpu)
{
	int err = fwnmi_check_cpu(f, cpu);

	if (err)
		return err;
	if (f->cpus[cpu].signalled && !f->ended) {
		f->cpus[cpu].signalled = false;
		return FWNMI_RELEASED;
	}
	if (f->ended || !is_waiting(f, cpu))
		return FWNMI_NOTHING;
	if (f->owner == (int)cpu)
		pass_buffer_on(f);
	else
		remove_waiter(f, cpu);
	release_system_reset(f, cpu);
	f->ops->kick(f->opaque, cpu);
	return FWNMI_RELEASED;
}

int fwnmi_owner(const struct fwnmi *f)
{
	return fwnmi_is_set_up(f) ? f->owner : NO_OWNER;
}

int32_t fwnmi_rtas_status(enum fwnmi_rtas_call call, int result)
{
	bool fetches = call == FWNMI_RTAS_EVENT_SCAN || call == FWNMI_RTAS_CHECK_EXCEPTION;

	if (result == FWNMI_ERR_PARAMETER)
		return RTAS_PARAMETER_ERROR;
	if (result < 0)
		return RTAS_HARDWARE_ERROR;
	return fetches && result == FWNMI_NOTHING ? RTAS_NO_ERRORS_FOUND : RTAS_SUCCESS;
}

uint32_t fwnmi_log_id(const struct fwnmi *f)
{
	return fwnmi_is_set_up(f) ? f->log_id : 0;
}

int fwnmi_end_log(const struct fwnmi *f, void *buf, size_t size)
{
	if (!fwnmi_is_set_up(f) || !is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	if (f->end_log_length > size)
		return FWNMI_ERR_NOSPACE;
	if (f->end_log_length > 0)
		memcpy(buf, f->end_log, f->end_log_length);
	return (int)f->end_log_length;
}

const char *fwnmi_end_reason_text(enum fwnmi_end_reason reason)
{
	switch (reason) {
	case FWNMI_END_NESTED_MACHINE_CHECK:
		return "a second machine check came before the interlock";
	case FWNMI_END_STALE_HANDLER:
		return "the registered routine is gone";
	}
	return "unknown reason";
}
