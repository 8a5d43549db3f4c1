/**
 * What is added to the source of tfjs-node's binding; nothing else of it changes.
 *
 * It passes lists of numbers to TensorFlow's operations, but no lists of strings or of types, which the fused convolutions need
 * (they name what is fused into them): two more cases in its switch over kinds of attributes.
 *
 * Signals are held back while TensorFlow computes. oneDNN's matrix product (jit_avx512_common_gemm_f32, and its AVX twin) lets the
 * stack pointer point to its workspace on the heap where the inner dimension is large, so that a handler that runs meanwhile writes
 * its frame over whatever lies before the workspace: a Ctrl-C, the end of a child process or a profiler's tick then ends the process
 * some time later with "corrupted size vs. prev_size". TensorFlow's own threads are begun with signals held back, for the same
 * reason. Held back signals are delivered when the operation is done, or to another thread at once.
 */
import { SetupError } from './errors.mjs';

const STRINGS = `      if (IsArray(env, nstatus, &js_value)) {
        uint32_t length;
        nstatus = napi_get_array_length(env, js_value, &length);
        ENSURE_NAPI_OK(env, nstatus);
        std::vector<std::string> values(length);
        std::vector<const void *> pointers(length);
        std::vector<size_t> lengths(length);
        for (uint32_t i = 0; i < length; ++i) {
          napi_value element;
          nstatus = napi_get_element(env, js_value, i, &element);
          ENSURE_NAPI_OK(env, nstatus);
          nstatus = GetStringParam(env, element, values[i]);
          ENSURE_NAPI_OK(env, nstatus);
          pointers[i] = values[i].data();
          lengths[i] = values[i].size();
        }
        TFE_OpSetAttrStringList(tfe_op, attr_name, pointers.data(), lengths.data(),
                                static_cast<int>(length));
        break;
      }
`;

const TYPES = `      if (IsArray(env, nstatus, &js_value)) {
        uint32_t length;
        nstatus = napi_get_array_length(env, js_value, &length);
        ENSURE_NAPI_OK(env, nstatus);
        std::vector<TF_DataType> values(length);
        for (uint32_t i = 0; i < length; ++i) {
          napi_value element;
          nstatus = napi_get_element(env, js_value, i, &element);
          ENSURE_NAPI_OK(env, nstatus);
          int32_t value;
          nstatus = napi_get_value_int32(env, element, &value);
          ENSURE_NAPI_OK(env, nstatus);
          values[i] = static_cast<TF_DataType>(value);
        }
        TFE_OpSetAttrTypeList(tfe_op, attr_name, values.data(), static_cast<int>(length));
        break;
      }
`;

const HOLDER = `
#include <csignal>

namespace {
/** Holds back the signals of this thread, and of threads that it begins, but those of its own faults. */
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigfillset(&held);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      sigdelset(&held, fault);
    }
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld &) = delete;
  SignalsHeld &operator=(const SignalsHeld &) = delete;

 private:
  sigset_t before_;
};
}  // namespace
`;

const HOLD = '  SignalsHeld signals_held;\n';

/** Each goes behind the line that opens its case. */
export const INSERTIONS = [
  { after: '#include "utils.h"\n', text: HOLDER },
  // Where the context is made, and with it TensorFlow's threads.
  { after: '  TFE_ContextOptions *tfe_options = TFE_NewContextOptions();\n', text: HOLD },
  // Before an operation is run.
  { after: '  std::vector<TFE_TensorHandle *> result_handles(num_outputs, nullptr);\n', text: HOLD },
  { after: '    case TF_ATTR_STRING: {\n', text: STRINGS },
  { after: '    case TF_ATTR_TYPE: {\n', text: TYPES },
];

/**
 * The source of tfjs_backend.cc with all of that.
 *
 * @param {string} source
 * @returns {string}
 */
export function patched(source) {
  return INSERTIONS.reduce((text, { after, text: added }) => {
    const [before, behind, ...more] = text.split(after);
    if (before === undefined || behind === undefined || more.length > 0) {
      throw new SetupError(
        `tfjs-node's tfjs_backend.cc is not the one that Kindred knows: "${after.trim()}" is not there once. ` +
          'Install the version that package-lock.json names: npm ci.',
      );
    }
    return `${before}${after}${added}${behind}`;
  }, source);
}
