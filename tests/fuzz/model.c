/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libfwnmi's headers say that each call does. See model.h.
 */
#include <string.h>

#include <fwnmi/mce.h>

#include "fuzz.h"
#include "model.h"

/* Power ISA, Machine State Register */
#define SF 0x8000000000000000ull
#define ME 0x1000ull
#define LE 1ull

/* No instruction is one of the others in the other byte order. */
const struct insn model_insns[MODEL_INSNS] = {
	{ 0x60000000, true, false }, /* nop */
	{ 0x63ff0000, true, false }, /* ori 31,31,0 */
	{ 0x7c0004ac, true, false }, /* sync */
	{ 0x48000101, true, false }, /* bl */
	{ 0x7c221a14, false, false }, /* add */
	{ 0x38600001, false, false }, /* li */
	{ 0x48000100, false, true }, /* b */
	{ 0x4e800020, false, true }, /* blr */
	{ 0x4c000024, false, true }, /* rfid */
};

void model_init(struct model *m, const struct fwnmi_config *config, uint64_t memory_size)
{
	memset(m, 0, sizeof(*m));
	m->config = *config;
	m->little_endian = config->interrupts_little_endian;
	m->memory_size = memory_size;
	m->allowance = 2;
}

void model_load(struct model *m, const struct fwnmi_config *config)
{
	m->config = *config;
	m->end_reason = 0;
}

/* ---- routines ---- */

static bool is_readable(const struct model *m, uint64_t address, uint64_t length)
{
	return !m->reads_fail && length <= m->memory_size && address <= m->memory_size - length;
}

static struct word word_at(const struct model *m, uint64_t address)
{
	const struct word nop = { 0 };

	if (address < CODE_BASE || address >= CODE_BASE + 4 * CODE_WORDS)
		return nop;
	return m->code[(address - CODE_BASE) / 4];
}

static bool is_callable(const struct model *m, uint64_t routine)
{
	return routine < 32 << 20 && routine % 4 == 0 && is_readable(m, routine, 4);
}

static void remember(const struct model *m, struct model_handler *handler, uint64_t routine)
{
	memset(handler, 0, sizeof(*handler));
	handler->routine = routine;
	while (handler->nr_words < FWNMI_HANDLER_INSNS &&
	       is_readable(m, routine + 4 * handler->nr_words, 4)) {
		struct word word = word_at(m, routine + 4 * handler->nr_words);

		handler->words[handler->nr_words++] = word;
		if (model_insns[word.insn].last && word.little_endian == m->little_endian)
			break;
	}
}

static bool stands(const struct model *m, const struct model_handler *handler)
{
	if (!is_readable(m, handler->routine, 4 * handler->nr_words))
		return false;
	for (unsigned i = 0; i < handler->nr_words; i++) {
		struct word then = handler->words[i];
		struct word now = word_at(m, handler->routine + 4 * i);

		if (then.little_endian != now.little_endian)
			return false;
		if (then.insn != now.insn &&
		    !(model_insns[then.insn].patchable && model_insns[now.insn].patchable))
			return false;
	}
	return true;
}

bool model_handlers_stand(const struct model *m)
{
	return !m->registered || (stands(m, &m->system_reset) && stands(m, &m->machine_check));
}

static bool is_gone(const struct model *m, const struct model_handler *handler)
{
	return m->config.stale_handler != FWNMI_STALE_DELIVER && !stands(m, handler);
}

static bool no_such_cpu(const struct model *m, unsigned cpu, struct prediction *p)
{
	p->result = cpu < m->config.nr_cpus ? 0 : FWNMI_ERR_CPU;
	return p->result;
}

void model_register(struct model *m, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		    bool page_7, struct prediction *p)
{
	if (no_such_cpu(m, cpu, p))
		return;
	if (!is_callable(m, system_reset) || !is_callable(m, machine_check)) {
		p->result = FWNMI_ERR_PARAMETER;
		return;
	}
	if (page_7 && !is_readable(m, FWNMI_PAGE_7, FWNMI_PAGE_7_SIZE)) {
		p->result = FWNMI_ERR_MEMORY;
		return;
	}
	remember(m, &m->system_reset, system_reset);
	remember(m, &m->machine_check, machine_check);
	m->registered = true;
	m->page_7 = page_7;
}

/* ---- the queue for the buffer ---- */

int model_owner(const struct model *m)
{
	return m->nr_queued > 0 ? (int)m->queue[0] : -1;
}

bool model_may_run(const struct model *m, unsigned cpu)
{
	return cpu < m->config.nr_cpus && !m->ended && !m->cpus[cpu].stopped && !m->cpus[cpu].waits;
}

static void wait(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	m->cpus[cpu].has_error = m->cpus[cpu].waits = true;
	m->cpus[cpu].error = *mc;
	m->queue[m->nr_queued++] = cpu;
}

static void leave(struct model *m, unsigned cpu, struct prediction *p)
{
	unsigned place = 0;

	while (m->queue[place] != cpu)
		place++;
	m->nr_queued--;
	memmove(&m->queue[place], &m->queue[place + 1],
		(m->nr_queued - place) * sizeof(m->queue[0]));
	if (place > 0)
		return;
	m->in_handler = false;
	if (m->nr_queued > 0)
		p->kicked[m->queue[0]] = true;
}

static bool is_in_handler(const struct model *m, unsigned cpu)
{
	return m->in_handler && m->queue[0] == cpu;
}

/* ---- machine checks ---- */

static bool has_subtypes(unsigned type)
{
	return type == FWNMI_MC_UE || type == FWNMI_MC_SLB || type == FWNMI_MC_ERAT ||
	       type == FWNMI_MC_TLB;
}

static bool is_subtype(unsigned type, unsigned subtype)
{
	if (!has_subtypes(type))
		return subtype == 0;
	if (type == FWNMI_MC_UE)
		return subtype <= FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE;
	if (type == FWNMI_MC_SLB)
		return subtype <= FWNMI_SLB_INDETERMINATE;
	return subtype >= FWNMI_ERAT_PARITY && subtype <= FWNMI_ERAT_INDETERMINATE;
}

static bool is_valid(const struct fwnmi_machine_check *mc)
{
	const bool is_type = has_subtypes(mc->error_type) || mc->error_type == FWNMI_MC_UNKNOWN ||
			     mc->error_type == FWNMI_MC_D_CACHE ||
			     mc->error_type == FWNMI_MC_I_CACHE;

	if (!is_type || !is_subtype(mc->error_type, mc->error_subtype) ||
	    mc->severity > FWNMI_SEVERITY_ALREADY_REPORTED ||
	    mc->disposition > FWNMI_DISPOSITION_NOT_RECOVERED ||
	    mc->initiator > FWNMI_INITIATOR_HOT_PLUG)
		return false;
	if (mc->effective_address_valid && !has_subtypes(mc->error_type))
		return false;
	if ((mc->logical_address_valid || mc->transient) && mc->error_type != FWNMI_MC_UE)
		return false;
	return mc->severity != FWNMI_SEVERITY_FATAL ||
	       mc->disposition != FWNMI_DISPOSITION_FULLY_RECOVERED;
}

static void repair(struct model *m, struct fwnmi_machine_check *mc, struct prediction *p)
{
	const bool is_copy = has_subtypes(mc->error_type) && mc->error_type != FWNMI_MC_UE;

	if (!m->can_repair || !is_copy || mc->severity == FWNMI_SEVERITY_FATAL ||
	    mc->disposition != FWNMI_DISPOSITION_NOT_RECOVERED)
		return;
	p->repairs++;
	p->repaired = *mc;
	if (!m->repairs_fail)
		mc->disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
}

static struct model_log describe(struct model *m, unsigned cpu,
				 const struct fwnmi_machine_check *mc)
{
	const uint32_t *numbers = m->config.server_numbers;

	return (struct model_log){
		.length = mc->error_type == FWNMI_MC_UNKNOWN ? LOG_WITHOUT_MC : LOG_WITH_MC,
		.severity = mc->severity,
		.disposition = mc->disposition,
		.id = ++m->log_id,
		.processor = numbers ? numbers[cpu] : cpu,
		.mc = *mc,
	};
}

static struct model_log describe_fatal(struct model *m, unsigned cpu,
				       const struct fwnmi_machine_check *mc)
{
	struct fwnmi_machine_check fatal = *mc;

	fatal.severity = FWNMI_SEVERITY_FATAL;
	fatal.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	return describe(m, cpu, &fatal);
}

/* ---- what becomes of an event ---- */

static void say(struct prediction *p, enum fwnmi_result result)
{
	p->outcome.result = result;
}

static void say_ended(const struct model *m, struct prediction *p)
{
	p->outcome.end_reason = m->end_reason;
	say(p, FWNMI_ENDED);
}

static void end(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc,
		enum fwnmi_end_reason reason, struct prediction *p)
{
	m->end_log = describe_fatal(m, cpu, mc);
	m->ended = true;
	m->end_reason = reason;
	say_ended(m, p);
}

static void enter(const struct model *m, struct fwnmi_regs *regs, uint64_t address, uint64_t cause,
		  uint64_t me)
{
	/* Power ISA bits 33:36 and 42:47 */
	const uint64_t mask = 0xfull << (63 - 36) | 0x3full << (63 - 47);

	regs->srr0 = regs->nip;
	regs->srr1 = (regs->msr & ~mask) | (cause & mask);
	regs->msr = SF | me | (m->little_endian ? LE : 0);
	regs->nip = address;
}

static void enter_vector(const struct model *m, const struct fwnmi_machine_check *mc,
			 enum fwnmi_entry entry, struct prediction *p)
{
	struct fwnmi_outcome *outcome = &p->outcome;

	enter(m, &outcome->regs, mc ? 0x200 : 0x100, mc ? mc->srr1 : 0, outcome->regs.msr & ME);
	if (mc && mc->srr1 & 1ull << (63 - 42)) {
		outcome->dsisr_valid = true;
		outcome->dsisr = mc->dsisr;
	}
	if (mc && mc->dar_valid) {
		outcome->dar_valid = true;
		outcome->dar = mc->dar;
	}
	outcome->entry = entry;
	say(p, FWNMI_DELIVERED);
}

/* @mc is NULL for a system reset. */
static void find_routine_gone(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc,
			      struct prediction *p)
{
	const struct fwnmi_machine_check none = { .error_type = FWNMI_MC_UNKNOWN };

	if (m->config.stale_handler == FWNMI_STALE_END)
		end(m, cpu, mc ? mc : &none, FWNMI_END_STALE_HANDLER, p);
	else
		enter_vector(m, mc, FWNMI_ENTRY_STALE, p);
}

static uint64_t error_area(const struct model *m)
{
	return m->page_7 ? FWNMI_PAGE_7 : m->config.rtas_base + m->config.save_area_offset;
}

static void enter_routine(const struct model *m, const struct model_handler *handler,
			  uint64_t cause, uint64_t me, uint64_t r3, unsigned length,
			  struct prediction *p)
{
	p->saved_r3 = p->outcome.regs.gpr3;
	if (length > 0) {
		p->outcome.write.address = r3;
		p->outcome.write.length = length;
		p->outcome.regs.gpr3 = r3;
	}
	enter(m, &p->outcome.regs, handler->routine, cause, me);
	p->outcome.entry = FWNMI_ENTRY_ROUTINE;
	say(p, FWNMI_DELIVERED);
}

/* The vCPU is the first of the queue, or nobody is in it. */
static void deliver_machine_check(struct model *m, unsigned cpu,
				  const struct fwnmi_machine_check *mc, struct prediction *p)
{
	p->outcome.machine_check = *mc;
	if (is_gone(m, &m->machine_check)) {
		find_routine_gone(m, cpu, mc, p);
		return;
	}
	if (m->fatal_reported)
		p->log = (struct model_log){ .length = LOG_FIXED,
					     .severity = FWNMI_SEVERITY_ALREADY_REPORTED,
					     .disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
					     .mc = *mc };
	else
		p->log = describe(m, cpu, mc);
	enter_routine(m, &m->machine_check, mc->srr1, ME, error_area(m), 8 + p->log.length, p);
	m->queue[0] = cpu;
	m->nr_queued += m->nr_queued == 0;
	m->in_handler = true;
	m->cpus[cpu].has_error = m->cpus[cpu].waits = false;
	if (m->cpus[cpu].reset)
		m->cpus[cpu].reset = RESET_HELD;
	m->fatal_reported |= mc->severity == FWNMI_SEVERITY_FATAL;
}

/* 0 if it has none. */
static uint64_t slot_of(const struct model *m, unsigned cpu)
{
	uint32_t buffer = m->config.mc_buffer_size;
	uint64_t offset = (buffer > 0 ? buffer : FWNMI_MC_BUFFER_SIZE) + 16ull * cpu;

	return m->page_7 && offset + 16 > FWNMI_PAGE_7_SIZE ? 0 : error_area(m) + offset;
}

static void deliver_system_reset(struct model *m, unsigned cpu, struct prediction *p)
{
	const uint64_t slot = slot_of(m, cpu);

	p->outcome.vector = 0x100;
	m->cpus[cpu].reset = NO_RESET;
	if (!m->registered)
		enter_vector(m, NULL, FWNMI_ENTRY_VECTOR, p);
	else if (is_gone(m, &m->system_reset))
		find_routine_gone(m, cpu, NULL, p);
	else
		enter_routine(m, &m->system_reset, 0, p->outcome.regs.msr & ME, slot,
			      m->config.strict || slot == 0 ? 0 : 16, p);
}

static void take_nested(struct model *m, unsigned cpu, struct fwnmi_machine_check *mc,
			struct prediction *p)
{
	if (m->config.nested_machine_check == FWNMI_NESTED_DROP && !m->config.strict &&
	    !mc->unsafe_processor) {
		repair(m, mc, p);
		p->outcome.machine_check = *mc;
		if (mc->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED) {
			say(p, FWNMI_DROPPED);
			return;
		}
	}
	end(m, cpu, mc, FWNMI_END_NESTED_MACHINE_CHECK, p);
}

static void push_own(struct model *m, const struct model_log *log, bool unsafe_processor)
{
	require(m->nr_events < MODEL_EVENTS);
	m->events[m->nr_events++] = (struct model_event){
		.event_class = FWNMI_CLASS_INTERNAL_ERRORS,
		.source = FWNMI_EVENT_SCAN,
		.own = true,
		.unsafe_processor = unsafe_processor,
		.log = *log,
		.length = log->length,
	};
}

static void stop(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc,
		 struct prediction *p)
{
	struct model_log log = describe_fatal(m, cpu, mc);

	push_own(m, &log, true);
	m->cpus[cpu].stopped = true;
	m->cpus[cpu].reset = NO_RESET;
	say(p, FWNMI_STOPPED);
}

static void take_machine_check(struct model *m, unsigned cpu, struct fwnmi_machine_check mc,
			       struct prediction *p)
{
	p->outcome.vector = 0x200;
	p->outcome.machine_check = mc;
	if (is_in_handler(m, cpu)) {
		take_nested(m, cpu, &mc, p);
	} else if (mc.unsafe_processor) {
		stop(m, cpu, &mc, p);
	} else if (!m->registered) {
		enter_vector(m, &mc, FWNMI_ENTRY_VECTOR, p);
	} else {
		repair(m, &mc, p);
		p->outcome.machine_check = mc;
		if (m->nr_queued == 0) {
			deliver_machine_check(m, cpu, &mc, p);
			return;
		}
		wait(m, cpu, &mc);
		say(p, FWNMI_WAITING);
	}
}

/* ---- the calls ---- */

/* Returns whether that is all. */
static bool begin(const struct model *m, unsigned cpu, unsigned vector,
		  const struct fwnmi_regs *regs, struct prediction *p)
{
	p->outcome.vector = vector;
	p->outcome.regs = *regs;
	return no_such_cpu(m, cpu, p);
}

static bool takes_no_more(const struct model *m, unsigned cpu, struct prediction *p)
{
	if (m->ended)
		say_ended(m, p);
	else if (m->cpus[cpu].stopped)
		say(p, FWNMI_STOPPED);
	return m->ended || m->cpus[cpu].stopped;
}

void model_machine_check(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
			 const struct fwnmi_machine_check *mc, struct prediction *p)
{
	if (begin(m, cpu, 0x200, regs, p))
		return;
	p->outcome.machine_check = *mc;
	if (!is_valid(mc))
		p->result = FWNMI_ERR_INVALID;
	else if (takes_no_more(m, cpu, p))
		return;
	else if (m->cpus[cpu].has_error)
		p->result = FWNMI_ERR_BUSY;
	else
		take_machine_check(m, cpu, *mc, p);
}

void model_system_reset(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
			struct prediction *p)
{
	if (begin(m, cpu, 0x100, regs, p) || takes_no_more(m, cpu, p))
		return;
	if (m->cpus[cpu].waits) {
		m->cpus[cpu].reset = RESET_ASKED;
		say(p, FWNMI_WAITING);
	} else {
		deliver_system_reset(m, cpu, p);
	}
}

void model_signal_machine_check(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc,
				struct prediction *p)
{
	if (no_such_cpu(m, cpu, p))
		return;
	if (!is_valid(mc)) {
		p->result = FWNMI_ERR_INVALID;
	} else if (m->ended || m->cpus[cpu].stopped) {
		p->result = 0;
	} else if (m->cpus[cpu].has_error) {
		p->result = FWNMI_ERR_BUSY;
	} else {
		m->cpus[cpu].has_error = true;
		m->cpus[cpu].error = *mc;
		p->kicked[cpu] = true;
		p->result = 1;
	}
}

void model_signal_system_reset(struct model *m, unsigned cpu, int64_t target, struct prediction *p)
{
	if (no_such_cpu(m, cpu, p))
		return;
	if (target < -2 || target >= (int64_t)m->config.nr_cpus) {
		p->result = FWNMI_ERR_CPU;
		return;
	}
	for (unsigned i = 0; i < m->config.nr_cpus; i++) {
		if (target >= 0 ? i != target : target == FWNMI_ALL_OTHERS && i == cpu)
			continue;
		if (m->ended || m->cpus[i].stopped)
			continue;
		p->result++;
		m->cpus[i].reset = RESET_ASKED;
		p->kicked[i] = !m->cpus[i].waits;
	}
}

void model_interlock(struct model *m, unsigned cpu, struct prediction *p)
{
	if (no_such_cpu(m, cpu, p))
		return;
	if (m->ended || !is_in_handler(m, cpu)) {
		p->result = m->config.strict ? FWNMI_ERR_NO_EVENT : FWNMI_NOTHING;
		return;
	}
	leave(m, cpu, p);
	if (m->cpus[cpu].reset) {
		m->cpus[cpu].reset = RESET_ASKED;
		p->kicked[cpu] = true;
	}
	p->result = FWNMI_RELEASED;
}

static void resume_waiter(struct model *m, unsigned cpu, struct prediction *p)
{
	const struct fwnmi_machine_check mc = m->cpus[cpu].error;

	p->outcome.vector = 0x200;
	p->outcome.machine_check = mc;
	if (m->queue[0] != cpu) {
		say(p, FWNMI_WAITING);
		return;
	}
	deliver_machine_check(m, cpu, &mc, p);
	if (p->outcome.entry == FWNMI_ENTRY_STALE) {
		m->cpus[cpu].has_error = m->cpus[cpu].waits = false;
		leave(m, cpu, p);
	}
}

void model_resume(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
		  struct prediction *p)
{
	if (begin(m, cpu, 0, regs, p) || takes_no_more(m, cpu, p))
		return;
	if (m->cpus[cpu].waits) {
		resume_waiter(m, cpu, p);
	} else if (m->cpus[cpu].has_error) {
		m->cpus[cpu].has_error = false;
		take_machine_check(m, cpu, m->cpus[cpu].error, p);
	} else if (m->cpus[cpu].reset == RESET_ASKED) {
		deliver_system_reset(m, cpu, p);
	}
	/* One event at a time. */
	if (!m->ended && m->cpus[cpu].reset == RESET_ASKED && !m->cpus[cpu].waits)
		p->kicked[cpu] = true;
}

void model_withdraw(struct model *m, unsigned cpu, struct prediction *p)
{
	if (no_such_cpu(m, cpu, p))
		return;
	if (m->ended || !m->cpus[cpu].has_error) {
		p->result = FWNMI_NOTHING;
		return;
	}
	if (m->cpus[cpu].waits) {
		leave(m, cpu, p);
		p->kicked[cpu] = true;
	}
	m->cpus[cpu].has_error = m->cpus[cpu].waits = false;
	p->result = FWNMI_RELEASED;
}

void model_architected(const struct model *m, const struct fwnmi_regs *regs,
		       const struct fwnmi_machine_check *mc, struct prediction *p)
{
	p->outcome.vector = mc ? 0x200 : 0x100;
	p->outcome.regs = *regs;
	if (mc)
		p->outcome.machine_check = *mc;
	enter_vector(m, mc, FWNMI_ENTRY_VECTOR, p);
}

/* ---- logs to fetch ---- */

static unsigned severity_of(const struct model_event *event)
{
	return event->own ? event->log.severity : event->head[1] >> 5;
}

static void remove_event(struct model *m, unsigned index)
{
	m->nr_events--;
	memmove(&m->events[index], &m->events[index + 1],
		(m->nr_events - index) * sizeof(m->events[0]));
}

/* An error from before the reboot: a warning, fully recovered. */
static void make_residual(struct model_event *event)
{
	event->unsafe_processor = false;
	if (event->source != FWNMI_EVENT_SCAN || severity_of(event) <= FWNMI_SEVERITY_WARNING)
		return;
	event->log.severity = FWNMI_SEVERITY_WARNING;
	event->log.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
	event->head[1] = (uint8_t)((event->head[1] & 0x07) | FWNMI_SEVERITY_WARNING << 5);
}

void model_reset(struct model *m)
{
	unsigned own = 0;

	if (m->ended)
		push_own(m, &m->end_log, false);
	for (unsigned i = 0; i < m->nr_events; i++) {
		make_residual(&m->events[i]);
		own += m->events[i].own;
	}
	for (unsigned i = 0; own > 10;) {
		if (m->events[i].own) {
			remove_event(m, i);
			own--;
		} else {
			i++;
		}
	}
	m->allowance = 2;
	m->registered = m->ended = m->fatal_reported = m->in_handler = false;
	m->end_reason = 0;
	m->nr_queued = 0;
	memset(m->cpus, 0, sizeof(m->cpus));
	m->little_endian = m->config.interrupts_little_endian;
}

static bool is_class(uint32_t event_class)
{
	return event_class == 0x80000000 || event_class == 0x40000000 ||
	       event_class == 0x10000000 || event_class == 0x08000000;
}

void model_event_queue(struct model *m, const struct model_event *event, struct prediction *p)
{
	unsigned logs = 0, bytes = event->length;

	if (!is_class(event->event_class) || (unsigned)event->source > FWNMI_CHECK_EXCEPTION) {
		p->result = FWNMI_ERR_INVALID;
		return;
	}
	for (unsigned i = 0; i < m->nr_events; i++) {
		logs += !m->events[i].own;
		bytes += m->events[i].own ? 0 : m->events[i].length;
	}
	if (logs >= FWNMI_QUEUE_EVENTS || bytes > FWNMI_QUEUE_SPACE) {
		p->result = FWNMI_ERR_NOSPACE;
		return;
	}
	require(m->nr_events < MODEL_EVENTS);
	m->events[m->nr_events++] = *event;
}

static bool is_wanted(const struct model_event *event, enum fwnmi_event_source source,
		      uint32_t mask)
{
	return event->source == source && event->event_class & mask;
}

unsigned model_events_pending(const struct model *m, enum fwnmi_event_source source, uint32_t mask)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < m->nr_events; i++)
		pending += is_wanted(&m->events[i], source, mask);
	return pending;
}

/* How much of a log fits. A log of the library's own can only lose its MC section. */
static int cut(const struct model_event *event, size_t size)
{
	const unsigned lengths[] = { event->length, event->own ? LOG_WITHOUT_MC : LOG_FIXED,
				     LOG_FIXED, 4 };

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (lengths[i] <= event->length && lengths[i] <= size)
			return (int)lengths[i];
	return FWNMI_ERR_NOSPACE;
}

void model_fetch(struct model *m, enum fwnmi_event_source source, uint32_t mask, bool critical,
		 size_t size, struct prediction *p)
{
	int found = -1;

	for (unsigned i = 0; i < m->nr_events; i++)
		if (is_wanted(&m->events[i], source, mask) &&
		    (found < 0 || (m->config.strict &&
				   severity_of(&m->events[i]) > severity_of(&m->events[found]))))
			found = (int)i;
	if (found < 0 || (source == FWNMI_EVENT_SCAN && m->allowance == 0)) {
		if (source == FWNMI_EVENT_SCAN)
			m->allowance = 1;
		p->result = FWNMI_NOTHING;
		return;
	}
	p->event = m->events[found];
	if (p->event.unsafe_processor && m->fatal_reported)
		p->event.log.severity = FWNMI_SEVERITY_ALREADY_REPORTED;
	p->result = cut(&p->event, critical && size > 8 ? 8 : size);
	if (p->result < 0)
		return;
	m->fatal_reported |= p->event.unsafe_processor;
	remove_event(m, (unsigned)found);
	if (source == FWNMI_EVENT_SCAN)
		m->allowance--;
}

void model_end_log(const struct model *m, size_t size, struct prediction *p)
{
	if (!m->ended)
		return;
	p->log = m->end_log;
	p->result = m->end_log.length <= size ? (int)m->end_log.length : FWNMI_ERR_NOSPACE;
}
