import { memoryStore } from '../../../core/storage/memory.ts';
import { storageContract } from './contract.ts';

storageContract('memory', async () => ({ store: memoryStore(), close: async () => undefined }));
