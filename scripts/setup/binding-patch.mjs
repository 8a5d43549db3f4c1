/**
 * tfjs-node's binding passes lists of numbers to TensorFlow's operations, but no lists of strings or of types, which
 * the fused convolutions need (they name what is fused into them). Two cases are added to its switch over kinds of
 * attributes; nothing else changes.
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

/** Each goes behind the line that opens its case. */
export const INSERTIONS = [
  { after: '    case TF_ATTR_STRING: {\n', text: STRINGS },
  { after: '    case TF_ATTR_TYPE: {\n', text: TYPES },
];

/**
 * The source of tfjs_backend.cc with both cases added.
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
